"""Unbiased estimators from n samples a problem, of which c are correct, for a budget of k.

Every quantity here is a ratio of binomial coefficients. The usual product needs min(c, k) factors for each
element, and `1 - product` loses the digits of small values; `lgamma` is only good to some 1e-11 for n of
10,000. Instead one table of log(n!) has more than double precision, see `_log_factorials`: each element costs
four look-ups for any n, c and k, and even the smallest value is right to a few units in the last place.

n, c and k may be scalars or arrays and are broadcast together. The result is a float where all of them are
scalars, else a float64 array. They must be whole numbers: any integer type, booleans (as 0 and 1), or floats
without a fractional part, since tables with gaps turn counts into floats. Any other value, and every value
outside its range, raises a `ValueError` that shows it; nothing is left out silently.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MAX_N = 1_000_000
"""Largest accepted n; it bounds the table of log(n!) at 16 MB."""

_FRACTION_BITS = 128  # of the integers in which log(n!) is summed; n² roundings leave 88 correct bits
_HEAD_BITS = 28  # heads are multiples of 2^-28 below 2^24: their sums and differences are exact in float64
_CHUNK = 1 << 14  # elements at one time, so that temporaries stay in the CPU's cache
_SHOWN = 5  # wrong values that an error message shows


@overload
def pass_at_k(n: float, c: float, k: float) -> float: ...
@overload
def pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Floats: ...
def pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> float | Floats:
    """Estimate the probability that at least one of k samples is correct: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021 (arXiv:2107.03374), equation 1. Unbiased for samples drawn independently. Its mean over
    problems is the pass@k of the problem set; n may differ between problems.

    Args:
        n: samples of each problem.
        c: correct samples among them.
        k: budget, at most n.

    Returns:
        The estimate: a float for scalars, else a float64 array of the broadcast shape.

    Raises:
        ValueError: for k > n, k < 1, c outside 0…n, n above `MAX_N`, and numbers that are not whole.
    """
    return _map(_pass_at_k, n, c, k)


@overload
def pass_hat_k(n: float, c: float, k: float) -> float: ...
@overload
def pass_hat_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Floats: ...
def pass_hat_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> float | Floats:
    """Estimate the probability that all of k samples are correct, pass^k: C(c, k) / C(n, k).

    Yao et al. 2024 (arXiv:2406.12045). Arguments, result and errors are those of `pass_at_k`.
    """
    return _map(lambda n, c, k: _none_of_k(n, n - c, k), n, c, k)


@overload
def g_pass_at_k(n: float, c: float, k: float, tau: float) -> float: ...
@overload
def g_pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike, tau: npt.ArrayLike) -> Floats: ...
def g_pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike, tau: npt.ArrayLike) -> float | Floats:
    """Estimate the probability that at least max(1, ⌈τk⌉) of k samples are correct, G-Pass@k_τ.

    Liu et al. 2024 (arXiv:2412.13147). τ = 0 is pass@k, τ = 1 is pass^k. A product τk within 1e-9 of a whole
    number counts as that number: τ = 0.07 with k = 100 asks for 7 correct samples, not for the 8 that the
    rounded product 7.000000000000001 would give.

    Args:
        n: samples of each problem.
        c: correct samples among them.
        k: budget, at most n.
        tau: share of the k samples that must be correct, in [0, 1].

    Returns:
        The estimate: a float for scalars, else a float64 array of the broadcast shape.

    Raises:
        ValueError: as in `pass_at_k`, and for τ outside [0, 1].
    """
    share = np.asarray(tau)
    if share.dtype.kind not in "biuf":
        raise ValueError(f"tau must be a number in [0, 1], not {_shown(share)}")
    share = share.astype(np.float64)
    _refuse(~((share >= 0) & (share <= 1)), "tau must be in [0, 1]", tau=share)

    def estimate(n: Integers, c: Integers, k: Integers, share: Floats) -> Floats:
        wanted = share * k
        whole = np.rint(wanted)
        least = np.where(np.abs(wanted - whole) <= 1e-9, whole, np.ceil(wanted)).astype(np.int64)
        return np.minimum(_tail(n, c, k, np.maximum(least, 1), lambda j, _: np.ones(j.shape)), 1.0)

    return _map(estimate, n, c, k, share)


@overload
def mg_pass_at_k(n: float, c: float, k: float) -> float: ...
@overload
def mg_pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Floats: ...
def mg_pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> float | Floats:
    """Estimate mG-Pass@k, (2/k) · Σ G-Pass@k_{i/k} over i = ⌈k/2⌉+1 … k.

    Liu et al. 2024 (arXiv:2412.13147) define it as the area under G-Pass@k_τ for τ from 0.5 to 1. This sum
    has ⌊k/2⌋ terms, so for odd k it is at most (k-1)/k even where every sample is correct, and at k = 1 it is
    0. Arguments, result and errors are those of `pass_at_k`.
    """

    def estimate(n: Integers, c: Integers, k: Integers) -> Floats:
        half = (k + 1) // 2
        # Each probability of j correct samples is in the terms i = half+1 … j.
        return 2 / k * _tail(n, c, k, half + 1, lambda j, chosen: (j - half[chosen]).astype(np.float64))

    return _map(estimate, n, c, k)


def n_at_k(samples: int, shown: int, correct: int, n: int, k: int) -> float:
    """Estimate AlphaCode's n@k: n submissions out of k samples, filtered by the tests that a problem shows.

    Li et al. 2022 (arXiv:2203.07814), section 2.2, without clustering: of k samples, those that fail the
    shown tests are dropped, and n of the others, drawn at random, are submitted; all of them where fewer are
    left. The number f of the k samples that pass the shown tests is hypergeometric. The submissions are a
    random choice, so that one of them is right with the probability pass@min(n, f) for `shown` samples of
    which `correct` are right. The estimate is unbiased for independent samples, as pass@k is.

    Args:
        samples: number of samples of the problem.
        shown: how many of them pass the tests that the problem shows.
        correct: how many of them pass all tests, and so the shown ones too.
        n: submissions.
        k: samples to choose them from, at most `samples`.

    Raises:
        ValueError: not 0 ≤ correct ≤ shown ≤ samples, not 1 ≤ k ≤ samples, or n < 1.
    """
    if not (0 <= correct <= shown <= samples and 1 <= k <= samples and n >= 1):
        raise ValueError(
            "n@k needs correct ≤ shown ≤ samples, k ≤ samples and n ≥ 1, not "
            f"{correct=}, {shown=}, {samples=}, {n=}, {k=}"
        )
    ways = math.comb(samples, k)
    return float(
        sum(
            math.comb(shown, kept)
            * math.comb(samples - shown, k - kept)
            / ways
            * pass_at_k(shown, correct, min(n, kept))
            for kept in range(max(1, k - (samples - shown)), min(k, shown) + 1)
        )
    )


def max_at_k(values: Sequence[float], k: int) -> float:
    """Estimate max@k: the largest of the values of k samples, Σ v_(i) · C(i-1, k-1) / C(n, k), v ascending.

    Walder and Karkhanis 2025 (arXiv:2505.15201). Unbiased; of values that are 0 or 1 it is pass@k.

    Raises:
        ValueError: not 1 ≤ k ≤ n.
    """
    n = len(values)
    if not 1 <= k <= n:
        raise ValueError(f"max@k needs 1 ≤ k ≤ n, not {k=}, {n=}")
    ways = math.comb(n, k)
    return sum(v * (math.comb(i, k - 1) / ways) for i, v in enumerate(sorted(values)) if i >= k - 1)


def bayes_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Floats:
    """Estimate Bayes@k: the mean of what k samples make one believe of a problem's pass rate.

    Hariri et al. 2025 (arXiv:2510.04265), for right or wrong and a uniform prior: (j + 1)/(k + 2) with j of k
    samples correct. This is the mean over all choices of k of the n samples; of k = n there is one.

    Raises:
        ValueError: as in `pass_at_k`.
    """
    n, c, k = _counts(n, c, k)
    return np.asarray((k * c / n + 1) / (k + 2), dtype=np.float64)


def bayes_variance(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Floats:
    """Return that belief's variance, (j + 1)(k - j + 1) / ((k + 2)² (k + 3)), its mean over all choices."""
    n, c, k = _counts(n, c, k)
    mean = k * c / n
    share = c / n
    spread = k * share * (1 - share) * ((n - k) / np.maximum(n - 1, 1))  # of j, over the choices
    return np.asarray(((mean + 1) * (k - mean + 1) - spread) / ((k + 2.0) ** 2 * (k + 3)))


@overload
def sampling_variance(n: float, c: float, k: float) -> float: ...
@overload
def sampling_variance(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Floats: ...
def sampling_variance(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> float | Floats:
    """Estimate without bias the variance of `pass_at_k` over repeated sampling of the same problem.

    U² - C(n-c, 2k) / C(n, 2k) with U = C(n-c, k) / C(n, k): the second term is an unbiased estimate of the
    square of U's mean. For k = 1 it is p̂(1-p̂)/(n-1). It is never negative. See arXiv:2512.21326.

    Returns:
        The estimate: a float for scalars, else a float64 array of the broadcast shape.

    Raises:
        ValueError: as in `pass_at_k`, and for n < 2k, where no unbiased estimate exists.
    """
    n, c, k = _counts(n, c, k)
    _refuse(n < 2 * k, "n must be at least 2k for an unbiased variance", n=n, k=k)

    def estimate(n: Integers, c: Integers, k: Integers) -> Floats:
        # Both terms are near 1 for few correct samples; their ratio keeps the digits of the difference.
        log_u = _log_none_of_k(n, c, k)
        log_gap = _log_none_of_k(n, c, 2 * k) - 2 * log_u
        gap = np.where(n - c >= 2 * k, -np.expm1(log_gap.real + log_gap.imag), 1.0)
        return np.where(n - c >= k, _exp(2 * log_u) * gap, 0.0)

    return _map(estimate, n, c, k)


def _pass_at_k(n: Integers, c: Integers, k: Integers) -> Floats:
    log_none = _log_none_of_k(n, c, k)
    some = np.where(n - c >= k, -np.expm1(log_none.real + log_none.imag), 1.0)
    # For one draw or one correct sample a plain division is enough, and is rounded only once.
    return np.where(np.minimum(c, k) <= 1, c * k / n, some)


def _none_of_k(n: Integers, d: Integers, k: Integers) -> Floats:
    """C(n-d, k) / C(n, k): the probability that none of k drawn out of n is one of d marked ones."""
    none = np.where(n - d >= k, _exp(_log_none_of_k(n, d, k)), 0.0)
    return np.where(np.minimum(d, k) <= 1, (n - d * k) / n, none)


def _log_none_of_k(n: Integers, d: Integers, k: Integers) -> npt.NDArray[np.complex128]:
    """Logarithm of `_none_of_k` as head + i·tail; wrong where n - d < k, which the caller masks."""
    table = _log_factorials(int(n.max(initial=1)))
    # This order makes d = 0 exactly 0.
    log: npt.NDArray[np.complex128] = table[n - d] - table[n]
    log += table[n - k] - table[np.maximum(n - d - k, 0)]
    return log


def _tail(
    n: Integers,
    c: Integers,
    k: Integers,
    least: Integers,
    weight: Callable[[Integers, npt.NDArray[np.intp]], Floats],
) -> Floats:
    """Σ_{j ≥ least} weight(j) · P(j of k are correct); `weight` gets j and the indices of the elements."""
    table = _log_factorials(int(n.max(initial=1)))
    log_draws = table[n] - table[k] - table[n - k]
    lowest, highest = np.maximum(least, k - (n - c)), np.minimum(c, k)
    total = np.zeros(n.shape)
    for j in range(int(lowest.min(initial=0)), int(highest.max(initial=-1)) + 1):
        (chosen,) = np.nonzero((lowest <= j) & (j <= highest))
        right, wrong, rest = c[chosen], (n - c)[chosen], (k - j)[chosen]
        log_right = table[right] - table[j] - table[right - j]
        log_wrong = table[wrong] - table[rest] - table[wrong - rest]
        draws = np.full(chosen.shape, j, dtype=np.int64)
        total[chosen] += weight(draws, chosen) * _exp((log_right - log_draws[chosen]) + log_wrong)
    return total


def _exp(log: npt.NDArray[np.complex128]) -> Floats:
    """Exponential of head + i·tail, corrected by what their sum in float64 loses."""
    rounded = log.real + log.imag
    lost = (log.real - rounded) + log.imag
    return np.asarray(np.exp(rounded) * (1.0 + lost))


def _log_factorials(n: int) -> npt.NDArray[np.complex128]:
    """Table of log(0!) … log(n!) and some more, as complex numbers of head and tail."""
    return _log_factorials_of_size(1 << max(n, 255).bit_length())


@functools.cache
def _log_factorials_of_size(size: int) -> npt.NDArray[np.complex128]:
    """Head (real part, exact under addition) and tail (imaginary part, below 2^-28) of log(i!) for i < size.

    The complex number is used as a pair: one look-up fetches both halves, and one addition adds both. The sum
    of log(i) - log(i-1) = 2·artanh(1/(2i-1)) is computed in Python's integers, so the table is the same on
    every platform and does not depend on the host's `log` or long double.
    """
    head, tail = np.zeros(size), np.zeros(size)
    head_unit = 1 << (_FRACTION_BITS - _HEAD_BITS)
    log = log_factorial = 0
    for i in range(2, size):
        odd = 2 * i - 1
        term, square, divisor = (2 << _FRACTION_BITS) // odd, odd * odd, 1
        while term:
            log += term // divisor
            term //= square
            divisor += 2
        log_factorial += log
        heads, rest = divmod(log_factorial, head_unit)
        head[i] = heads / 2**_HEAD_BITS
        tail[i] = rest / 2**_FRACTION_BITS
    table = head + 1j * tail
    table.setflags(write=False)
    return table


def _map(
    estimate: Callable[..., Floats], n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike, *more: Floats
) -> float | Floats:
    """Apply `estimate` to the checked and broadcast arguments, chunk by chunk."""
    operands: list[Any] = [*_counts(n, c, k), *more]
    try:
        shape = np.broadcast_shapes(*(operand.shape for operand in operands))
    except ValueError:
        shapes = ", ".join(str(operand.shape) for operand in operands)
        raise ValueError(f"arguments of shapes {shapes} cannot be broadcast together") from None
    access: list[Any] = [*(["readonly"] for _ in operands), ["writeonly", "allocate"]]
    chunks = np.nditer(
        [*operands, None],
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=access,
        op_dtypes=[*(operand.dtype for operand in operands), np.dtype(np.float64)],
        order="C",
        buffersize=_CHUNK,
    )
    # Far tails underflow to 0, which is right; the logarithms of masked values may overflow and do not
    # matter.
    with chunks, np.errstate(over="ignore", under="ignore"):
        for *arguments, out in chunks:
            out[...] = estimate(*arguments)
        result: Floats = chunks.operands[-1]
    return float(result) if shape == () else result


def _counts(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> tuple[Integers, Integers, Integers]:
    """Return n, c and k as integer arrays, not yet broadcast, after checking their ranges."""
    samples, correct, budget = _integers("n", n), _integers("c", c), _integers("k", k)
    _refuse(samples < 1, "n must be at least 1", n=samples)
    _refuse(samples > MAX_N, f"n must be at most {MAX_N:,}", n=samples)
    _refuse(budget < 1, "k must be at least 1", k=budget)
    try:
        outside, beyond = (correct < 0) | (correct > samples), budget > samples
    except ValueError:
        shapes = f"n {samples.shape}, c {correct.shape}, k {budget.shape}"
        raise ValueError(f"n, c and k cannot be broadcast together, their shapes are {shapes}") from None
    _refuse(outside, "c must be in 0…n", n=samples, c=correct)
    _refuse(beyond, "k must not exceed n, the number of samples", n=samples, k=budget)
    return samples, correct, budget


def _integers(name: str, values: npt.ArrayLike) -> Integers:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be whole numbers, not {_shown(array)}")
    if array.dtype.kind == "f":
        _refuse(
            ~(array == np.rint(array)) | np.isinf(array), f"{name} must be whole numbers", **{name: array}
        )
    # Numbers that int64 cannot hold would wrap around, perhaps into the valid range.
    _refuse(abs(array.astype(np.float64)) > 1e15, f"{name} is no number of samples", **{name: array})
    return array.astype(np.int64)


def _refuse(bad: Any, rule: str, **named: npt.NDArray[Any]) -> None:
    """Raise ValueError with the rule, the first bad values and their number, if any value is bad."""
    bad = np.asarray(bad)
    if not bad.any():
        return
    where = np.flatnonzero(bad)
    columns = [(name, np.broadcast_to(array, bad.shape).flat) for name, array in named.items()]
    offenders = "; ".join(", ".join(f"{name}={flat[i]}" for name, flat in columns) for i in where[:_SHOWN])
    count = f" (in {len(where)} of {bad.size} cases)" if bad.size > 1 else ""
    raise ValueError(f"{rule}, but {offenders}{'; …' if len(where) > _SHOWN else ''}{count}")


def _shown(array: npt.NDArray[Any]) -> str:
    return f"{array.dtype}: {', '.join(repr(value) for value in array.ravel()[:_SHOWN].tolist())}"
