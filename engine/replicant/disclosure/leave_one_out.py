"""What a release would give away of a record that was not synthesized, in closed form.

Each real record is compared with all *other* real records, as if those, or as many of them as the release has rows,
were the release. What that finds is a fact of the population, and no disclosure by the synthesis.

Whether a record is unique takes all other records, so that none are left to be the release; there, the probabilities of
the combinations that occur once are estimated from how many occur twice and three times (Good 1953).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from replicant.evaluation.rows import Integers
from replicant.table.arrays import Floats

__all__ = ["Draw", "unique_again"]


class Draw:
    """k of N records drawn without replacement.

    Parameters
    ----------
    others
        N, the records that are not the one in question.
    k
        Rows of the release; all records are drawn where it has more.
    """

    def __init__(self, others: int, k: int) -> None:
        self.others, self.k = others, min(k, others)
        self._fixed = gammaln(others - self.k + 1) - gammaln(others + 1) if others > 0 else 0.0

    def none_of(self, size: Integers) -> Floats:
        """Probability that none of `size` certain records is drawn."""
        left = self.others - self.k  # records that are not drawn
        some = np.minimum(np.asarray(size, dtype=np.float64), left)
        log = gammaln(self.others - some + 1) - gammaln(left - some + 1) + self._fixed
        return np.where(np.asarray(size) > left, 0.0, np.exp(np.minimum(log, 0.0)))


def unique_again(counts: Integers, k: int) -> tuple[Floats, Floats]:
    """How many combinations that occur once in the real table occur in a fresh sample: at all, and once.

    Parameters
    ----------
    counts
        (u,) rows of each combination in the real table.
    k
        Rows of the fresh sample.

    Returns
    -------
    tuple of numpy.ndarray
        (u,) what each combination adds to the two expected numbers. By the numbers f_j of combinations that occur j
        times among n rows, the probability of one that occurs once has mean 2 f_2 / (n f_1) and second moment
        6 f_3 / (n² f_1) (Good 1953); among them it is taken to follow a gamma distribution with these moments. The
        expected number is of degree one in (f_1, f_2, f_3), so that it is the sum of f_j times its derivative by f_j
        (Euler), and the derivatives are what a combination adds.
    """
    n = int(counts.sum())
    f = np.array([np.count_nonzero(counts == j) for j in (1, 2, 3)], dtype=np.float64)
    slopes = np.zeros((2, 4))
    if f[0] and f[1]:
        for j in range(3):
            step = np.zeros(3)
            step[j] = 1e-4 * max(f[j], 1.0)
            up, down = _numbers(f + step, n, k), _numbers(f - step, n, k)
            slopes[:, j + 1] = (up - down) / (2 * step[j])
        expected = _numbers(f, n, k)
        slopes[:, 1] += (expected - slopes[:, 1:] @ f) / f[0]  # the rest of a difference where the formula has a kink
    at_all, once = slopes[:, np.where(counts <= 3, counts, 0)]
    return at_all, once


def _numbers(f: Floats, n: int, k: int) -> Floats:
    """(2,) Expected numbers of combinations that occur once in n rows, and at all or once in k fresh ones."""
    mean = 2 * f[1] / (n * f[0])
    scale = 3 * f[2] / (n * f[1]) - mean  # variance by mean
    if k * scale < 1e-6:
        shares = (-math.expm1(-k * mean), k * mean * math.exp(-k * mean))
    else:
        log = math.log1p(k * scale)
        shares = (-math.expm1(-mean / scale * log), k * mean * math.exp(-(mean / scale + 1) * log))
    numbers: Floats = np.array(shares) * f[0]
    return numbers
