"""Shares as text, rounded, but never to "none" or "all" where it is neither: one failure is seen."""

from __future__ import annotations


def decimal(share: float) -> str:
    """Return a share in [0, 1] with four digits: `0.0152`; `> 0.9999` where it is less than 1."""
    return _rounded(share, ".4f", 1e-4)


def percent(share: float, digits: int = 0) -> str:
    """Return a share in [0, 1] in percent: `55%`; `> 99%` where it is less than all."""
    return _rounded(share, f".{digits}%", 10.0 ** -(digits + 2))


def _rounded(share: float, form: str, unit: float) -> str:
    text = f"{share:{form}}"
    if share > 0 and text == f"{0:{form}}":
        return f"< {unit:{form}}"
    if share < 1 and text == f"{1:{form}}":
        return f"> {1 - unit:{form}}"
    return text
