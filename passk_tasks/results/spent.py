"""What an answer took and how it ended, what a run cost, how many answers were cut off: values and JSON.

What is not known is None and is left out of the JSON: nothing here stands for a number that nobody counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from passk_tasks.results.keys import Keys
from passk_tasks.tasks.values import Price

SERVER, TOKENIZER, ESTIMATE = "server", "tokenizer", "estimate"
"""Who counted tokens: the server, the model's tokenizer, or another one (or the right one without all)."""

REASONING, FENCE = "reasoning", "fence"
"""What never ended in an answer."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one answer took.

    Attributes:
        tokens_in: of the prompt; None where nobody counted.
        tokens_out: of the answer.
        limit_hit: whether the limit of tokens ended it; None where that is not known.
        by: who counted; empty where nobody did.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    limit_hit: bool | None = None
    by: str = ""

    def after(self, first: Spent | None) -> Spent:
        """Return this with what an earlier question for the same answer took; None: nobody knows."""
        if first is None:
            return replace(self, tokens_in=None, tokens_out=None, by="")
        pairs = ((first.tokens_in, self.tokens_in), (first.tokens_out, self.tokens_out))
        tokens = [None if one is None or two is None else one + two for one, two in pairs]
        by = self.by if first.by in ("", self.by) else ESTIMATE
        return Spent(tokens[0], tokens[1], self.limit_hit, by)

    def as_dict(self) -> dict[str, object]:
        """Return what a journal and an outcome store."""
        values = {"in": self.tokens_in, "out": self.tokens_out, "limit_hit": self.limit_hit, "by": self.by}
        return {name: value for name, value in values.items() if value not in (None, "")}

    @classmethod
    def from_dict(cls, stored: object) -> Spent | None:
        """Return what is stored; None where nothing is, or what no version writes."""
        if stored is None:
            return None
        try:
            keys = Keys(stored)
            hit = keys.values.get("limit_hit")
            spent = cls(
                keys.whole("in"),
                keys.whole("out"),
                hit if isinstance(hit, bool) else None,
                keys.text("by") or "",
            )
        except ValueError:
            return None
        return None if spent == cls() else spent


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run cost; None is not known.

    Attributes:
        generation_s: wall seconds in which the model generated, over all attempts; of the slowest rank.
        judging_s: wall seconds in which the programs were judged; of the slowest rank.
        samples: of the run.
        counted: those whose tokens were counted, by who counted.
        tokens_in: of the counted ones' prompts.
        tokens_out: of the counted ones' answers.
        solved: problems that some sample solved.
        price: of the tokens; None where the user named none.
    """

    samples: int
    solved: int
    generation_s: float | None = None
    judging_s: float | None = None
    counted: Mapping[str, int] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    price: Price | None = None

    @property
    def all_counted(self) -> bool:
        """Whether every sample's tokens were counted, so that the sums are the run's."""
        return 0 < self.samples == sum(self.counted.values())

    @property
    def money(self) -> float | None:
        """What the counted tokens cost; None without a price, or where nothing was counted."""
        if self.price is None or not self.counted:
            return None
        return self.price.of(self.tokens_in, self.tokens_out)

    def sums(self) -> dict[str, float]:
        """Return what was spent in all, by name; of the counted samples."""
        known: dict[str, float | None] = {"generation_s": self.generation_s, "judging_s": self.judging_s}
        if self.counted:
            known |= {"tokens_in": self.tokens_in, "tokens_out": self.tokens_out, "money": self.money}
        return {name: value for name, value in known.items() if value is not None}

    def per_sample(self) -> dict[str, float]:
        """Return what one sample took, by name: the mean, of tokens over the counted ones."""
        counted = sum(self.counted.values())
        return {
            name: value / (self.samples if name.endswith("_s") else counted)
            for name, value in self.sums().items()
            if self.samples
        }

    def per_solved(self) -> dict[str, float]:
        """Return what one solved problem took, by name; of tokens only where all were counted."""
        return {
            name: value / self.solved
            for name, value in self.sums().items()
            if self.solved and (name.endswith("_s") or self.all_counted)
        }

    def as_dict(self) -> dict[str, object]:
        """Return the JSON; `from_dict` takes it back."""
        return {
            **self.sums(),
            "samples": self.samples,
            "solved_problems": self.solved,
            "counted": dict(self.counted),
            **({} if self.price is None else {"price": self.price.as_dict()}),
            "per_sample": self.per_sample(),
            "per_solved_problem": self.per_solved(),
        }

    @classmethod
    def from_dict(cls, keys: Keys) -> Cost:
        """Return what is stored; raises ValueError at a value of another type."""
        price = keys.inner("price")
        return cls(
            samples=keys.must(keys.whole, "samples"),
            solved=keys.must(keys.whole, "solved_problems"),
            generation_s=keys.number("generation_s"),
            judging_s=keys.number("judging_s"),
            counted=keys.counts("counted"),
            tokens_in=keys.whole("tokens_in") or 0,
            tokens_out=keys.whole("tokens_out") or 0,
            price=Price(price.number("in") or 0.0, price.number("out") or 0.0) if "price" in keys else None,
        )


@dataclass(frozen=True, kw_only=True)
class CutOff:
    """How many answers never came to their end. One can have several signs.

    Attributes:
        samples: that show a sign.
        of: all samples.
        reasoning: whose chain of thought never ended.
        fence: whose last block of code never ended.
        limit_hit: that the limit of tokens ended.
        limit_unknown: of which nobody knows whether it did.
        bounds: of each metric, where there are any: all of them wrong, and all of them as right as the rest.
    """

    samples: int
    of: int
    reasoning: int = 0
    fence: int = 0
    limit_hit: int = 0
    limit_unknown: int = 0
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of the samples."""
        return self.samples / self.of if self.of else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return the JSON; `from_dict` takes it back."""
        return {
            "samples": self.samples,
            "of": self.of,
            "share": self.share,
            "reasoning": self.reasoning,
            "fence": self.fence,
            "limit_hit": self.limit_hit,
            "limit_unknown": self.limit_unknown,
            "bounds": {name: list(ends) for name, ends in self.bounds.items()},
        }

    @classmethod
    def from_dict(cls, keys: Keys) -> CutOff:
        """Return what is stored; raises ValueError at a value of another type."""
        bounds = keys.inner("bounds")
        counts = ("reasoning", "fence", "limit_hit", "limit_unknown")
        return cls(
            samples=keys.must(keys.whole, "samples"),
            of=keys.must(keys.whole, "of"),
            bounds={name: _ends(bounds, name) for name in bounds},
            **{name: keys.whole(name) or 0 for name in counts},
        )


def _ends(bounds: Keys, name: str) -> tuple[float, float]:
    ends = tuple(map(float, bounds.texts(name)))
    if len(ends) != 2:
        raise ValueError(f"bounds.{name} should be two numbers")
    return ends
