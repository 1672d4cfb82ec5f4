"""What the best split of a predictor gains by chance, and what its gain is worth beyond that.

rpart takes the split with the largest gain. A predictor with many cuts, or many levels, then wins where nothing
predicts anything: the best of many gains is compared with the best of few. Here gains are compared after a transform
that is monotone for each predictor, under which the best gain of every predictor has nearly the same distribution where
the response does not depend on it: that of chi-square with one degree of freedom, which is what the only cut of a
predictor with two values gains.

A gain is counted in variances: T = gain / s2, with s2 the variance of the response in the node (for classes: of their
indicators, summed), so that one cut of a meaningless predictor has T = 1 on average.

*A statistic of f degrees of freedom* B is worth

    G = (B - u)^2 / (B - u + c) for B > u,   v = f - 1,  u = v - sqrt(v),  c = 3 v,

which has the upper quantiles (.8 to .999) of chi-square with one degree of freedom if B has those of chi-square with
f = 1 ... 1000, to within a tenth. Far beyond chance it is B - u - c.

*Ordered predictors.* T is the maximum over cuts of a squared standardized two-sample statistic: a maximally selected
chi-square (Miller and Siegmund 1982; Lausen and Schumacher 1992). Between cuts that leave shares a and b of the entries
on the left, its null process is an Ornstein-Uhlenbeck process over a time of L = (logit(b) - logit(a)) / 2. By
simulation of that process (uniform, heaped and skewed predictors of 3 to 5000 values, nodes of 15 to 5000 entries),
with C cuts and

    l = log(1 + 1 / (1 / (C - 1) + 1 / (RATE L))),

the best of them is worth G with u = SHIFT l and c = SPREAD l: the tails beyond the quantiles .9 to .999 of chi-square
hold .8 to 1.2 times as much as they should. One cut: l = 0 and G = T.

*Nominal predictors.* All k levels apart, B = sum n_g (mean_g - mean)^2 / s2 has f = k - 1 degrees of freedom; under
permutation of the response this is its expectation, whatever the distribution, and its variance is that of chi-square
times 1 - f / (m - 1), as is c, for levels of few entries. Two sets of levels gain a part T of B. Under the null the
part hardly varies, and B decides; where levels differ reliably, by R = 1 - v / B (compare James and Stein 1961), only
what the split gains counts: G times 1 - R + R T / B.

*Classes.* Gains are sums over D = (sum of eigenvalues)^2 / (sum of their squares) independent directions of the
covariance of the classes (Satterthwaite 1946), 1 for two classes. D T is used instead of T. It has D degrees of
freedom where T has one, and (k - 1) D where T has k - 1; the best of several cuts adds SHIFT l sqrt(D) to u and
SPREAD l sqrt(D) to c.

Entries that repeat a row (weights) are not independent: variances are multiplied by sum w^2 / sum w.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .groups import window
from .jit import inner

__all__ = [
    "SIGNIFICANT",
    "Chance",
    "bar_of_cut",
    "bar_of_set",
    "chance_of",
    "choices",
    "worth_of_cut",
    "worth_of_levels",
    "worth_of_set",
]

RATE, SHIFT, SPREAD = 33.6, 0.557, 1.41  # fitted to the quantiles above: see tests/trees/test_chance.py
LOG_TWO = 0.6931471805599453
SIGNIFICANT = 3.841
"""What a child smaller than `minbucket` must be worth: the quantile .95 of chi-square with one degree of freedom.

Of a level with 5 rows whose mean is 2 standard deviations away, a stricter one would lose those samples in which the
rows lie nearer, and so the coverage of intervals.
"""


class Chance(NamedTuple):
    """A node, as far as the worth of gains in it goes.

    Attributes
    ----------
    corrected
        Whether gains are corrected; else scores are compared as they are.
    floor
        The least score of a split that gains anything.
    offset, unit
        D T is (score - offset) / unit.
    freedom, root
        D, 1 for numbers and two classes, and its square root.
    shift, spread
        u and c of one cut.
    entries
        Of the node, as many as are independent.
    """

    corrected: Any
    floor: Any
    offset: Any
    unit: Any
    freedom: Any
    root: Any
    shift: Any
    spread: Any
    entries: Any


@inner
def chance_of(corrected, floor, offset, unit, freedom, entries):
    """What `worth_of_cut` and the others need to know of a node."""
    more = freedom - 1.0
    return Chance(corrected, floor, offset, unit, freedom, np.sqrt(freedom), more - np.sqrt(more), 3.0 * more, entries)


@inner
def choices(codes, at, scanned, ahead, length, minbucket, scans, ranks, base):
    """l of the cuts of an ordered predictor, see above; negative where it has none. See `impurity.scan_ordered`.

    The cuts are those between the first and the last possible one, at most as many as there are codes between them in
    the whole tree: counting those of the node would cost what the scan costs. `ranks`, from `base` on, says how many
    codes of the predictor occur up to each one; where it is empty, all do. Where missing entries are tried on both
    sides there are two `scans`.
    """
    one = np.uint64(1)
    begin = np.uint64(at)
    first, last = window(scanned, ahead, length, minbucket)
    if first >= last:
        return -1.0
    low = begin + first  # the last entry on the left of the first cut, and of the last one
    high = begin + last
    end = high
    lowest = codes[low]
    highest = codes[high]
    if lowest == highest:
        return -1.0
    if codes[low + one] == lowest:
        beyond = end
        while beyond - low > one:
            half = (low + beyond) >> one
            if codes[half] == lowest:
                low = half
            else:
                beyond = half
    before = low
    while high - before > one:  # one step where the last code occurs once
        half = high - one if high == end else (before + high) >> one
        if codes[half] == highest:
            high = half
        else:
            before = half
    high -= one
    cuts = high - low + one
    above = codes[high + one]
    span = np.uint64(above - lowest if ranks.shape[0] == 0 else ranks[base + above] - ranks[base + lowest])
    if span < cuts:
        cuts = span
    count = np.float64(scans)
    if cuts > one:
        left_low = np.float64(low - begin + one + np.uint64(ahead))
        left_high = np.float64(high - begin + one + np.uint64(ahead))
        time = 0.5 * np.log(left_high * (length - left_low) / (left_low * (length - left_high)))
        more = np.float64(cuts - one)
        count *= 1.0 + more * RATE * time / (more + RATE * time)
    return np.log(count) if count > 1.0 else 0.0


@inner
def bar_of_cut(chance, choice, best):
    """The score that a cut must beat to be worth more than `best`."""
    choice *= chance.root
    needed = chance.shift + SHIFT * choice + best
    if best > 0.0:
        needed += np.sqrt(best * (chance.spread + SPREAD * choice + 0.25 * best)) - 0.5 * best
    return max(chance.floor, chance.offset + needed * chance.unit)


@inner
def worth_of_cut(chance, choice, score):
    """What a cut of this score is worth."""
    choice *= chance.root
    beyond = (score - chance.offset) / chance.unit - (chance.shift + SHIFT * choice)
    return beyond * beyond / (beyond + (chance.spread + SPREAD * choice)) if beyond > 0.0 else beyond


@inner
def worth_of_levels(chance, score, levels):
    """The worth of a set of levels as a function of what it gains: its base, its slope, and the most that it can be.

    `score` is that of all levels apart.
    """
    if not chance.corrected:
        return 0.0, 1.0, np.inf
    freedom = (levels - 1.0) * chance.freedom
    more = max(0.0, freedom - 1.0)
    free = max(0.0, 1.0 - (levels - 1.0) / (chance.entries - 1.0)) if chance.entries > 1.0 else 0.0
    apart = (score - chance.offset) / chance.unit
    beyond = apart - more + np.sqrt(more * free)
    if beyond <= 0.0:
        return beyond / freedom, 0.0, beyond / freedom
    worth = beyond * beyond / (beyond + 3.0 * more * free)
    reliable = max(0.0, 1.0 - more / apart)
    return worth * (1.0 - reliable), worth * reliable / apart, worth


@inner
def bar_of_set(chance, base, slope, most, best):
    """The score that a set of levels must beat to be worth more than `best`; infinite where none can be."""
    if not chance.corrected:
        return best
    if most <= best:
        return np.inf
    if slope <= 0.0:
        return chance.floor
    return max(chance.floor, chance.offset + (best - base) / slope * chance.unit)


@inner
def worth_of_set(chance, base, slope, score):
    """What a set of levels of this score is worth; the score itself where nothing is corrected."""
    return base + slope * ((score - chance.offset) / chance.unit) if chance.corrected else score
