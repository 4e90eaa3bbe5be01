"""What a run cost, and how many answers were cut off, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from passk_tasks.results.spent import ESTIMATE, SERVER, TOKENIZER, Cost, CutOff
from passk_tasks.results.summary import Summary
from passk_tasks.statistics.rounding import percent

_BY = {
    SERVER: "the server's count",
    TOKENIZER: "counted by the model's tokenizer",
    ESTIMATE: "an estimate: not all that was billed is seen, or another tokenizer counted",
}

_TIMES = {"generation": "generation_s", "judging": "judging_s"}


def facts(result: Summary) -> list[tuple[str, str]]:
    """Return a name and a text for what is known, and for what is not."""
    lines = []
    if result.cut_off is not None:
        lines.append(("cut off", cut_off(result.cut_off)))
    if result.cost is not None:
        lines.append(("time", _time(result.cost)))
        lines.append(("tokens", _tokens(result.cost)))
    if result.cost is not None and result.cost.money is not None:
        lines.append(("money", _money(result.cost)))
    return lines


def cut_off(cut: CutOff) -> str:
    """Return how many answers were cut off, and between which numbers the score lies for it."""
    signs = {
        "by the limit of tokens": cut.limit_hit,
        "in their reasoning": cut.reasoning,
        "in a fence": cut.fence,
    }
    shown = ", ".join(f"{count:,} {sign}" for sign, count in signs.items() if count)
    text = f"{cut.samples:,} of {cut.of:,} ({percent(cut.share, 2)}): {shown}" if cut.samples else "none seen"
    if cut.limit_unknown:
        whose = "any" if cut.limit_unknown == cut.of else f"{cut.limit_unknown:,} of them"
        text += f"; whether the limit of tokens ended {whose} is not known"
    ends = [f"{name} {low:.4f} … {high:.4f}" for name, (low, high) in cut.bounds.items()]
    return text + (f"; between all wrong and as right as the rest: {', '.join(ends)}" if ends else "")


def seconds(value: float) -> str:
    """Return a time, in the unit that people would use."""
    if value < 600:
        return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"
    return f"{value / 60:,.0f} min" if value < 36_000 else f"{value / 3600:,.1f} h"


def amount(value: float) -> str:
    """Return a number of tokens or an amount of money: whole where it is large, else three digits."""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def _time(cost: Cost) -> str:
    known = cost.sums()
    parts = [f"{name} {seconds(known[key])}" for name, key in _TIMES.items() if key in known]
    if cost.generation_s is None:
        parts.append("generation not recorded")
    return ", ".join(parts) + _each(cost, _TIMES, seconds)


def _tokens(cost: Cost) -> str:
    count = sum(cost.counted.values())
    if not count:
        return "not known: neither a server nor a tokenizer of the model's backend counted them"
    whole = "" if cost.all_counted else f" of {count:,} of {cost.samples:,} samples, the others not counted"
    by = "; ".join(
        _BY.get(name, name) + (f" ({of:,} samples)" if len(cost.counted) > 1 else "")
        for name, of in cost.counted.items()
    )
    each = _each(cost, {"in": "tokens_in", "out": "tokens_out"}, amount)
    return f"{cost.tokens_in:,} in, {cost.tokens_out:,} out{whole} ({by}){each}"


def _money(cost: Cost) -> str:
    assert cost.price is not None
    prices = f"{cost.price.per_million_in:g} in and {cost.price.per_million_out:g} out, a million tokens"
    return f"{amount(cost.money or 0.0)} at {prices}" + _each(cost, {"": "money"}, amount)


def _each(cost: Cost, names: Mapping[str, str], shown: Callable[[float], str]) -> str:
    """Return what it makes of one sample and of one solved problem."""
    text = ""
    for what, values in (("sample", cost.per_sample()), ("solved problem", cost.per_solved())):
        parts = [f"{name} {shown(values[key])}".strip() for name, key in names.items() if key in values]
        text += f"; a {what}: {', '.join(parts)}" if parts else ""
    return text
