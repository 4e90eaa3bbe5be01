"""The page in a real browser, without a window."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from passk_tasks.report import build
from passk_tasks.results.findings import Finding
from passk_tasks.results.model import Run

pytestmark = pytest.mark.whole

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra `test`)")

# One that is installed; nothing is downloaded. PASSK_TEST_BROWSER names any other of Chromium's kin.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = os.environ.get("PASSK_TEST_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
if BROWSER is None:
    pytest.skip("no Chromium is installed (e.g. apt-get install chromium)", allow_module_level=True)

# Without what a browser does of its own accord; and without its sandbox, which root cannot have.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]

PROBLEMS = [f"HumanEval/{i}" for i in (0, 1, 2, 10, 11)]
RIGHT, WRONG = ("    return 1\n", "passed", ""), ("    return 2\n", "failed", "assert candidate(1) == 1")
BROKEN = ("    return (\n", "syntax_error", "'(' was never closed")
ANSWERS = {
    PROBLEMS[0]: [WRONG] * 4,
    PROBLEMS[1]: [RIGHT] * 4,
    PROBLEMS[2]: [RIGHT, WRONG, BROKEN, WRONG],
    PROBLEMS[3]: [RIGHT, RIGHT, WRONG, WRONG],
    PROBLEMS[4]: [BROKEN] * 4,
}

ATTACK = "document.documentElement.dataset.broken=1"
HOSTILE = "".join(
    (
        f"</script><script>{ATTACK}</script>",
        f"</pre></style><img src=x onerror='{ATTACK}'><svg onload='{ATTACK}'>",
        "<!--<script><![CDATA[<base href=https://example.com/>",
        f'"\'`><a href="javascript:{ATTACK}">x</a>${{{ATTACK}}}{{{{7*7}}}}{{% raw %}}&lt;&amp;&#60;',
        "\u2028\u2029\x00\x1b[2J\udfff\ud800\u202egnp.exe\u2066\ufeff\u200b漢\U0001f600",
    )
)


@dataclass
class Opened:
    """A page, and what happened on it."""

    page: Any
    said: list[str] = field(default_factory=list)  # console, errors, dialogs
    asked: list[str] = field(default_factory=list)  # requests

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def look(self) -> None:
        """See that the page said nothing, and asked for nothing but its own file."""
        self.page.wait_for_timeout(50)
        assert self.said == []
        assert {asked.partition("#")[0] for asked in self.asked} == {self.page.url.partition("#")[0]}

    def names(self) -> list[str]:
        """Problems of the rows that are shown, in their order."""
        return [one.inner_text() for one in self.page.locator("#table tbody tr[data-t]:visible button").all()]

    def open(self, name: str) -> Any:
        """Click on a problem and return what came out below it, once it is there."""
        button = self.page.get_by_role("button", name=name, exact=True)
        button.click()
        row = self.page.locator("#table tbody tr.open").filter(has=button)
        below = row.locator("xpath=following-sibling::tr[1]")
        below.locator("article").first.wait_for()
        return below


@pytest.fixture(scope="module")
def tab() -> Iterator[Callable[..., Opened]]:
    """One browser, with a tab for each set of options: to open one costs thrice what a page does."""
    opened: dict[str, Opened] = {}
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=OPTIONS, timeout=120_000)

        def tab(**options: Any) -> Opened:
            if repr(options) not in opened:
                context = browser.new_context(**options)
                context.set_default_timeout(120_000)  # a guard against a hang; 30 s are not, under load
                opened[repr(options)] = Opened(context.new_page())
            return opened[repr(options)]

        yield tab
        browser.close()


@pytest.fixture
def show(tab: Callable[..., Opened], tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Open HTML; when a test is done with it, the console is silent, and only the file was asked for."""
    shown: list[Opened] = []

    def opened(html: str, **options: Any) -> Opened:
        for one in shown:
            one.look()
        path = tmp_path / "report.html"
        path.write_bytes(html.encode("utf-8"))
        one = tab(**options)
        one.page.emulate_media(media="null")
        one.page.mouse.move(0, 0)
        one.said.clear()
        one.asked.clear()
        one.page.goto(path.as_uri())
        shown[:] = [one]
        return one

    yield opened
    for one in shown:
        one.look()


@pytest.fixture(scope="module")
def plain(loaded: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of one run with `ANSWERS`."""
    return build([loaded(tmp_path_factory.mktemp("plain"), ANSWERS)])


def test_rows_are_sorted(show, plain):
    """A click on a column sorts by it, the next one turns that around; the first column goes by number."""
    one = show(plain)
    assert one.names() == PROBLEMS
    passed = one.page.locator("#table thead").get_by_role("button", name="passed")
    passed.click()
    assert one.names() == [PROBLEMS[i] for i in (1, 3, 2, 0, 4)]
    assert passed.locator("xpath=..").get_attribute("aria-sort") == "descending"
    passed.click()
    assert one.names() == [PROBLEMS[i] for i in (0, 4, 2, 3, 1)]
    name = one.page.locator("#table thead").get_by_role("button", name="problem")
    name.click()
    assert one.names() == PROBLEMS
    name.click()
    assert one.names() == PROBLEMS[::-1]


def test_rows_are_filtered(show, plain):
    """By name, by function, by how often they are solved, by verdict, and by all of it together."""
    one = show(plain)
    find = one.page.locator("#find")
    find.fill("eval/1")
    assert one.names() == [PROBLEMS[i] for i in (1, 3, 4)]
    assert one.page.locator("#shown").inner_text() == "3 of 5"
    find.fill("has_close")
    assert one.names() == PROBLEMS[:1]
    find.fill("")
    one.page.locator("#kind").select_option("sometimes")
    assert one.names() == PROBLEMS[2:4]
    one.page.locator("#kind").select_option("tail")
    assert one.names() == PROBLEMS[2:3]
    one.page.locator("#kind").select_option("sometimes")
    one.page.locator("#verdict").select_option("v-syntax_error")
    assert one.names() == PROBLEMS[2:3]
    one.page.locator("#kind").select_option("never")
    assert one.names() == PROBLEMS[4:]
    find.fill("no such problem")
    assert one.names() == []


def test_one_click_opens_a_problem(show, plain):
    """Prompt, each distinct candidate with count, verdict, code and assertion; the next click closes it."""
    one = show(plain)
    below = one.open(PROBLEMS[2])
    text = below.inner_text()
    assert "def truncate_number(number: float) -> float:" in text
    assert "3 distinct candidates" in text
    first, *rest = below.locator("article").all()
    assert first.inner_text().split() == [
        "failed",
        "×",
        "2",
        "samples",
        "1,",
        "3",
        "0.003",
        "s,",
        "14",
        "MiB",
        "assert",
        "candidate(1)",
        "==",
        "1",
        *["this", "candidate", "the", "nearest", "that", "passes:", "sample", "0"],
        *["return", "2", "return", "1"],
    ]
    assert [other.locator(".verdict").inner_text() for other in rest] == ["passed", "syntax_error"]
    assert "'(' was never closed" in text
    button = one.page.get_by_role("button", name=PROBLEMS[2], exact=True)
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    assert below.locator("article").count() == 0
    assert button.get_attribute("aria-expanded") == "false"


def test_an_open_problem_stays_with_its_row(show, plain):
    """Sorting moves both, filtering hides both."""
    one = show(plain)
    one.open(PROBLEMS[0])
    one.page.locator("#table thead").get_by_role("button", name="problem").click()
    rows = one.page.locator("#table > tbody > tr")
    assert rows.last.get_attribute("class") == "detail"
    one.page.locator("#find").fill("eval/1")
    assert not rows.last.is_visible()


def test_many_candidates_come_in_parts(show, loaded, tmp_path):
    """Twenty are there at once, the rest on demand."""
    answers = {PROBLEMS[0]: [(f"    return {i}\n", "failed", f"assert {i}") for i in range(45)]}
    below = show(build([loaded(tmp_path / "a", answers)])).open(PROBLEMS[0])
    assert below.locator("article").count() == 20
    below.get_by_role("button", name="Show 25 more").click()
    assert below.locator("article").count() == 40
    below.get_by_role("button", name="Show 5 more").click()
    assert below.locator("article").count() == 45
    assert below.locator(".more").count() == 0


def test_a_link_opens_its_problem(show, loaded, tmp_path):
    """A problem in the list of flagged passes leads to its candidates, past any filter."""
    one = show(build([loaded(tmp_path / "a", ANSWERS, flags=["equal to everything"])]))
    one.page.locator("#find").fill("nothing")
    one.page.locator("#flagged").get_by_role("link", name=PROBLEMS[3]).click()
    one.page.locator("tr.open[data-i='3']").wait_for()
    assert one.names() == PROBLEMS
    flags = one.page.locator(".detail article .flag")
    flags.first.wait_for()
    assert flags.all_inner_texts() == ["equal to everything"]


def test_several_runs_are_side_by_side(show, loaded, tmp_path):
    """Each run has its column and its candidates; lost and gained problems can be chosen."""
    other = {**ANSWERS, PROBLEMS[1]: [WRONG] * 4, PROBLEMS[4]: [RIGHT, BROKEN, BROKEN, BROKEN]}
    found = [loaded(tmp_path / "a", ANSWERS, model="org/a"), loaded(tmp_path / "b", other, model="org/b")]
    one = show(build(found))
    one.page.locator("#kind").select_option("lost")
    assert one.names() == [PROBLEMS[1]]
    one.page.locator("#kind").select_option("gained")
    assert one.names() == [PROBLEMS[4]]
    heads = one.open(PROBLEMS[4]).locator("h3").all_inner_texts()
    assert [head.split() for head in heads] == [
        ["Prompt"],
        ["A", "org/a", "1", "distinct", "candidate"],
        ["B", "org/b", "2", "distinct", "candidates"],
    ]
    one.page.locator("#kind").select_option("")
    one.page.locator("#table thead").get_by_role("button", name="change").click()
    assert one.names()[0] == PROBLEMS[4]
    assert one.names()[-1] == PROBLEMS[1]


def test_hostile_text_stays_text(show, loaded, tmp_path):
    """Whatever stands in code, assertions, names, flags, prompts, warnings: it is shown, and does nothing."""
    shown = HOSTILE.replace("\x00", "⟦U+0000⟧").replace("\x1b", "⟦U+001B⟧")
    for code in (0x2028, 0x2029, 0xD800, 0xDFFF, 0x202E, 0x2066, 0xFEFF, 0x200B):
        shown = shown.replace(chr(code), f"⟦U+{code:04X}⟧")
    answers = {
        PROBLEMS[0]: [
            (f"    return {HOSTILE!r}\n    {HOSTILE}", "passed", HOSTILE),
            (HOSTILE, "failed", HOSTILE),
        ]
    }
    doc = {
        "task_id": PROBLEMS[0],
        "prompt": HOSTILE,
        "entry_point": HOSTILE,
        "test": "",
        "canonical_solution": "",
    }
    keywords = {"model": HOSTILE, "flags": [HOSTILE], "warnings": [HOSTILE], "python": HOSTILE}
    found = [loaded(tmp_path / name, answers, doc=doc, **keywords) for name in "ab"]
    for runs in (found[:1], found):
        one = show(build(runs, title=HOSTILE))
        below = one.open(PROBLEMS[0])
        assert below.locator("pre").first.text_content() == shown
        assert shown in below.locator("article code").first.text_content()
        assert below.locator("article .flag").first.text_content() == shown
        for place in ("h1", "#summary .warning", "#flagged td:last-child"):
            assert one.page.locator(place).first.text_content() == shown, place
        assert one.page.locator("html[data-broken]").count() == 0
        assert one.page.locator("img, base, iframe").count() == 0
        assert one.page.evaluate("document.scripts.length") == 4  # candidates, grid, names, the script
        assert one.page.title()


def test_names_of_problems_may_be_hostile_too(show, loaded, tmp_path):
    """Rows of a file that somebody sent have any task_id; it is text, and its row still opens."""
    name = 'x"><script>' + ATTACK + "</script>\u202e"
    answers = {PROBLEMS[0]: [RIGHT, WRONG]}
    found = loaded(tmp_path / "a", answers)
    changed = {
        item: {name: value[PROBLEMS[0]]}
        for item in ("outcomes", "programs")
        if (value := getattr(found, item))
    }
    one = show(build([type(found)(**{**vars(found), **changed})]))
    one.page.locator("#table tbody button").click()
    one.page.locator("article").first.wait_for()
    assert one.names()[0].startswith('x"><script>')
    assert one.page.locator("html[data-broken]").count() == 0


def test_lines_of_a_megabyte_are_cut(show, loaded, tmp_path):
    """They cost nobody's patience, and the page says that they go on; nor does the page grow sideways."""
    answers = {PROBLEMS[0]: [("    return '" + "x" * 1_000_000 + "'\n", "failed", "y" * 1_000_000)]}
    html = build([loaded(tmp_path / "a", answers)])
    assert len(html) < 300_000
    below = show(html).open(PROBLEMS[0])
    assert "more characters" in below.locator("article").last.inner_text()
    assert "more characters" in below.locator("article code").inner_text()


def test_missing_texts_are_said(show, loaded, tmp_path):
    """A run without texts says so above the table, and its candidates still have verdicts."""
    found = loaded(tmp_path / "a", ANSWERS)
    (path,) = (tmp_path / "a").glob("samples_*")
    path.unlink()
    one = show(build([found]))
    assert "not stored with this run" in one.page.locator("#problems .warning").last.inner_text()
    below = one.open(PROBLEMS[2])
    assert below.locator("pre").count() == 0
    assert below.locator(".verdict").all_inner_texts() == ["failed", "passed", "syntax_error"]


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_is_light_or_dark(show, plain, scheme, dark):
    """It follows the reader's choice, figures included, and everything can be told from what is behind it."""
    one = show(plain, color_scheme=scheme)

    def light(place: str, name: str) -> float:
        colour = one.page.locator(place).first.evaluate(f"element => getComputedStyle(element).{name}")
        red, green, blue = (int(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3])
        return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255

    behind = light("body", "backgroundColor")
    assert (behind < 0.2) == dark
    for place, name in (("h1", "color"), ("figure text", "fill"), (".dim", "color"), ("a", "color")):
        assert abs(light(place, name) - behind) > 0.35, place
    assert light("figure text", "fill") == pytest.approx(light("body", "color"))


def test_print_is_light_without_controls(show, plain):
    """Paper is white, whatever the screen, and all is open on it that one would have to click."""
    one = show(plain, color_scheme="dark")
    numbers = one.page.locator("main details table")
    assert not numbers.is_visible()
    one.page.emulate_media(media="print")
    if one.page.evaluate("CSS.supports('selector(details::details-content)')"):
        assert numbers.is_visible()
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not one.page.locator("#controls").is_visible()
    assert one.page.locator("figure svg").first.is_visible()
    assert one.names() == PROBLEMS


@pytest.mark.parametrize("count", [1, 4])
def test_a_phone_scrolls_down_only(show, loaded, tmp_path, count):
    """At 390 pixels nothing makes the page wider than the screen, open problems included."""
    long = {PROBLEMS[0]: [("    return " + "x + " * 100 + "x\n", "failed", "z" * 1900), RIGHT]}
    found = [
        loaded(
            tmp_path / str(i),
            {**ANSWERS, **long},
            model="organisation/a-model-with-a-very-long-name-" + "x" * 60,
        )
        for i in range(count)
    ]
    one = show(build(found), viewport={"width": 390, "height": 800}, is_mobile=True)
    one.open(PROBLEMS[0])
    for summary in one.page.locator("main summary").all():
        summary.evaluate("element => element.parentElement.open = true")
    assert one.page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    for table in one.page.locator(".summary .scroll").all():  # both intervals, without scrolling
        assert table.evaluate("element => element.scrollWidth - element.clientWidth") == 0
    names = one.page.locator("#table tbody tr[data-t] th")
    assert all(name.bounding_box()["height"] < 30 for name in names.all()), "in one line"
    code = one.page.locator("article pre").first.bounding_box()
    assert code["x"] >= 0
    assert code["x"] + code["width"] <= 390


def test_without_scripts_the_numbers_are_there(show, plain):
    """Scores, figures and the table of problems need no script; what does, is not offered."""
    one = show(plain, java_script_enabled=False)
    assert one.names() == PROBLEMS
    assert not one.page.locator("#controls").is_visible()
    assert "pass@1" in one.page.locator("#summary").inner_text()
    assert one.page.locator("figure svg").count() == 3


def test_an_old_browser_is_told(show, plain):
    """Without DecompressionStream the candidates stay packed, and the page says why."""
    one = show(plain)
    one.page.evaluate("() => { delete window.DecompressionStream }")
    one.page.get_by_role("button", name=PROBLEMS[0], exact=True).click()
    one.page.locator(".detail .warning").wait_for()
    assert "use a newer one" in one.page.locator(".detail .warning").inner_text()


# ---------------------------------------------------------------- one problem


def answers_to(*given: str, task_id: str = PROBLEMS[0]) -> dict:
    """The first passes, the others fail."""
    verdicts = ["passed", *["failed"] * (len(given) - 1)]
    details = ["", *[f"assert candidate(1) == {i}" for i in range(1, len(given))]]
    return {task_id: list(zip(given, verdicts, details, strict=True))}


# What stands in a right answer and in a wrong one, and what is marked in each.
DIFFERENT = [
    ("    return x + y\n", "    return x +  y\n", "·", ""),
    ("    return x + y\n", "    return x + y \n", "·", ""),
    ("    return x\n", "\treturn x\n", "→\t", "····"),
    ("    return x + y\n", "    return x\u00a0+ y\n", "⟦U+00A0⟧", "·"),
    ("    return x\n", "    return x", "", "⏎"),
    ("    return x\n", "    return y\n", "y", "x"),
]


def test_what_differs_from_a_right_answer_is_seen(show, loaded, tmp_path):
    """Blanks and ends of lines too: on the left those of the candidate, on the right those of the other."""
    names = [f"HumanEval/{i}" for i in range(len(DIFFERENT))]
    answers = [answers_to(*pair[:2], task_id=name) for name, pair in zip(names, DIFFERENT, strict=True)]
    one = show(build([loaded(tmp_path / "a", {name: a for given in answers for name, a in given.items()})]))
    for name, (right, wrong, taken, given) in zip(names, DIFFERENT, strict=True):
        below = one.open(name)
        diff = below.locator("article table.diff")
        assert diff.count() == 1
        heads = [head.inner_text() for head in diff.locator("thead th").all()]
        assert heads == ["this candidate", "the nearest that passes: sample 0"]
        assert ["".join(diff.locator(tag).all_text_contents()) for tag in ("del", "ins")] == [taken, given]
        if right.split() == wrong.split() and "\u00a0" not in wrong:  # to the grammar U+00A0 is no blank
            assert "Blanks alone" in below.locator("article .note").inner_text()


def test_the_nearest_right_answer_is_taken(show, loaded, tmp_path):
    """Of several that pass, of any run; where none does, the benchmark's own solution."""
    far, near = (
        "    return sorted(numbers)\n",
        "    total = 0\n    for one in numbers:\n        total += one\n    return 7\n",
    )
    wrong = near.replace("7", "8")
    first = {PROBLEMS[0]: [(far, "passed", ""), (wrong, "failed", "assert 1 == 2")]}
    second = {PROBLEMS[0]: [(far, "passed", ""), (near, "passed", "")]}
    found = [loaded(tmp_path / "a", first), loaded(tmp_path / "b", second)]
    below = show(build(found)).open(PROBLEMS[0])
    assert below.locator(".diff th").last.inner_text() == "the nearest that passes: B, sample 1"
    assert [one.text_content() for one in below.locator(".diff del").all()] == ["8"]
    alone = show(build([loaded(tmp_path / "c", {PROBLEMS[0]: [(wrong, "failed", "")]})])).open(PROBLEMS[0])
    assert alone.locator(".diff th").last.inner_text() == "none passes; the benchmark's own solution"


def test_code_has_colours_and_tests_are_there(show, loaded, tmp_path):
    """Keywords are told from the rest; the tests open below the prompt."""
    below = show(build([loaded(tmp_path / "a", answers_to("    return 1\n", "    return 2\n"))])).open(
        PROBLEMS[0]
    )
    colour = "element => getComputedStyle(element).color"
    keyword = below.locator("article .k").first
    assert keyword.inner_text().strip() == "return"
    assert keyword.evaluate(colour) != below.locator("article").first.evaluate(colour)
    below.locator("summary", has_text="Tests").click()
    assert "def check(candidate):" in below.locator("details pre").first.inner_text()


def test_a_problem_has_a_link_of_its_own(show, plain):
    """`#HumanEval/10` opens it, past any filter; opening one puts its link where it can be copied."""
    one = show(plain)
    one.page.locator("#find").fill("nothing")
    one.page.evaluate(f"location.hash = '#{PROBLEMS[3]}'")
    one.page.locator("tr.open[data-i='3']").wait_for()
    below = one.page.locator("tr.detail")
    assert below.locator("a.link").get_attribute("href") == f"#{PROBLEMS[3]}"
    one.open(PROBLEMS[1])
    assert one.page.evaluate("location.hash") == f"#{PROBLEMS[1]}"


def test_code_and_errors_are_searched(show, plain):
    """Problems without a hit go, the candidates with one come first; an emptied field shows all again."""
    one = show(plain)
    within = one.page.locator("#within")
    within.fill("NEVER closed")
    one.page.locator("#searched", has_text="2 candidates").wait_for()
    assert one.names() == [PROBLEMS[2], PROBLEMS[4]]
    assert one.open(PROBLEMS[2]).locator(".verdict").first.inner_text() == "syntax_error"
    if one.page.evaluate("Boolean(CSS.highlights)"):
        assert one.page.evaluate("CSS.highlights.get('found').size") == 1
    within.fill("return 1")
    one.page.locator("#searched", has_text="3 candidates").wait_for()
    assert one.names() == PROBLEMS[1:4]
    within.fill("")
    one.page.locator("tr[data-i='0']:not([hidden])").wait_for()
    assert one.names() == PROBLEMS


@pytest.mark.parametrize("count", [1, 2])
def test_the_picture_of_all_samples(show, loaded, tmp_path, count):
    """A cell has the colour of its verdict and says what it is; a click on it opens the problem."""
    one = show(build([loaded(tmp_path / str(i), ANSWERS) for i in range(count)]))
    canvas = one.page.locator("#map-samples")
    canvas.wait_for()
    assert one.page.locator("#map-runs").count() == count - 1
    cell = """canvas => {
        const [x, y] = [canvas.width * 0.5, canvas.height * 0.125]; // the third of five, the first of four
        return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3);
    }"""
    passed = one.page.evaluate("colourOf('--v-passed')")
    assert canvas.evaluate(cell) == passed
    box = canvas.bounding_box()
    middle = {"x": box["width"] * 0.5, "y": box["height"] * 0.125}
    canvas.hover(position=middle)
    assert one.page.locator("#map-at").inner_text() == f"{PROBLEMS[2]}, sample 0: passed"
    canvas.click(position=middle)
    one.page.locator("tr.open[data-i='2']").wait_for()
    one.page.locator("#map-order").select_option("rate")
    canvas.hover(position={"x": box["width"] * 0.1, "y": 3})
    assert one.page.locator("#map-at").inner_text().startswith(PROBLEMS[1])


def test_what_has_no_verdict_is_in_no_rate(show, loaded, tmp_path):
    """The picture of problems and runs has the rates of the table, and none where nothing was judged."""
    some = [("    return 1\n", "passed", ""), ("    return 2\n", "failed", "")]
    without = ("    return 3\n", "infra_error", "the host")
    answers = {**ANSWERS, PROBLEMS[0]: [*some, without, without], PROBLEMS[1]: [without] * 4}
    one = show(build([loaded(tmp_path / name, answers, model=name) for name in "ab"]))
    canvas = one.page.locator("#map-runs")
    canvas.wait_for()
    box = canvas.bounding_box()
    for number, said in enumerate(("50 % pass", "no verdict")):
        canvas.hover(position={"x": box["width"] * (0.1 + 0.2 * number), "y": 3})
        assert one.page.locator("#map-at").inner_text().endswith(said)


def test_the_keyboard_is_enough(show, loaded, tmp_path):
    """Tab reaches a problem, Enter opens it; code that is too wide can be scrolled by its focus."""
    long = {PROBLEMS[0]: [("    return " + "x + " * 100 + "x\n", "passed", "")]}
    one = show(build([loaded(tmp_path / "a", {**ANSWERS, **long})]))
    one.page.locator("#verdict").focus()
    for _ in range(40):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("document.activeElement.textContent") == PROBLEMS[0]:
            break
    one.page.keyboard.press("Enter")
    one.page.locator("tr.detail article").first.wait_for()
    assert one.page.locator("article pre").first.get_attribute("tabindex") == "0"
    assert one.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


AXE = next(filter(Path.is_file, map(Path, filter(None, (
    os.environ.get("PASSK_TEST_AXE"),
    Path(__file__).parents[2] / ".venv/node/node_modules/axe-core/axe.min.js",
)))), None)  # fmt: skip


@pytest.fixture(scope="module", params=[1, 3])
def full(request, loaded, tmp_path_factory) -> str:
    """The page of this many runs, with whatever a page can have."""
    answers = {
        **ANSWERS,
        PROBLEMS[0]: answers_to("    return 1  # a\n", "    x = 'a'  # b\n    return 2\n")[PROBLEMS[0]],
    }
    finding = Finding("identical", "all are alike", "use a seed", ("passk", "run"))
    found = [
        loaded(tmp_path_factory.mktemp("full"), answers, flags=["equal"], warnings=["all alike"])
        for _ in range(request.param)
    ]
    return build([replace(run, findings=(finding,)) for run in found])


@pytest.mark.skipif(
    AXE is None, reason="axe-core is not installed (npm install --prefix .venv/node axe-core)"
)
@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        ("dark", 390),
        *(pytest.param(*others, marks=pytest.mark.slow) for others in (("light", 390), ("dark", 1280))),
    ],
)
def test_axe_finds_nothing(show, full, scheme, width):
    """No rule of axe-core is broken, with a problem opened and everything in it."""
    one = show(full, color_scheme=scheme, viewport={"width": width, "height": 800})
    one.open(PROBLEMS[0])
    for summary in one.page.locator("summary").all():
        summary.click()
    one.page.evaluate(AXE.read_text(encoding="utf-8"))
    result = one.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in result["violations"]] == []
