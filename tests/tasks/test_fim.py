"""Tests of passk_tasks.tasks.fim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passk_tasks.errors import SettingsError
from passk_tasks.tasks import fim
from passk_tasks.tasks.settings import Settings


@pytest.mark.parametrize("name", fim.TEMPLATES)
@given(prefix=st.text(), suffix=st.text())
def test_prefix_and_suffix_stay_as_they_are(name: str, prefix: str, suffix: str) -> None:
    """A prompt holds the prefix before the suffix, both to the letter, braces and all."""
    before, between, after = fim.TEMPLATES[name].text.replace("{suffix}", "{prefix}").split("{prefix}")
    assert fim.template(name).render(prefix, suffix) == before + prefix + between + suffix + after


def test_braces_mean_nothing() -> None:
    """Code that talks of `{prefix}` and `{suffix}` is not a template."""
    made = fim.template("starcoder").render("{suffix}", "{prefix}")
    assert made == "<fim_prefix>{suffix}<fim_suffix>{prefix}<fim_middle>"


@pytest.mark.parametrize("name", fim.TEMPLATES)
def test_every_server_takes_the_stops(name: str) -> None:
    """No family has more than the four stop sequences that OpenAI-style servers take, and each has one."""
    assert 1 <= len(fim.TEMPLATES[name].stops) <= 4


def test_a_template_of_one_s_own() -> None:
    """A text with both places is a template, the suffix first if it likes."""
    found = Settings(fim="[SUFFIX]{suffix}[PREFIX]{prefix}").fim
    assert fim.template(str(found)).render("a", "b") == "[SUFFIX]b[PREFIX]a"
    assert fim.template(str(found)).stops == ()


@pytest.mark.parametrize("name", ["starcodr", "<{prefix}>", "{prefix}{prefix}{suffix}", "{}"])
def test_an_unknown_family(name: str) -> None:
    """Anything else is an error that lists the families."""
    with pytest.raises(SettingsError, match=r"fim must be one of starcoder, .*codegemma, or a te"):
        Settings.parse({"fim": name}, where="task x")
