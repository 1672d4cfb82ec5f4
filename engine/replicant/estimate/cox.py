"""Clustered errors of Cox's model under Efron's way with ties, which statsmodels takes for Breslow's there."""

from __future__ import annotations

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["clustered", "score_residuals"]


def score_residuals(
    time: Floats, entry: Floats | None, status: Floats, eta: Floats, x: Floats, *, efron: bool
) -> Floats:
    """Each row's contribution to the score (Therneau & Grambsch 2000, section 4.3), as R's `residuals(coxph, "score")`.

    Parameters
    ----------
    time, entry, status
        (n,) of one stratum; without `entry` rows are under observation from the beginning.
    eta, x
        (n,) linear predictors and (n, p) terms.
    efron
        Whether ties are Efron's; else Breslow's.
    """
    risk = np.exp(eta - eta.max(initial=0.0))
    at, which = np.unique(time[status > 0], return_inverse=True)
    deaths = np.flatnonzero(status > 0)
    weighted = np.column_stack([risk, risk[:, None] * x])
    under = _sums_from(time, weighted, at)  # those whose time is not over yet
    if entry is not None:
        under -= _sums_from(entry, weighted, at)  # less those who come later
    dying = np.zeros((len(at), weighted.shape[1]))
    np.add.at(dying, which, weighted[deaths])
    count = np.bincount(which, minlength=len(at))
    hazard, own = np.zeros(len(at)), np.zeros(len(at))
    means, own_means, first = (np.zeros((len(at), x.shape[1])) for _ in range(3))
    for k in range(int(count.max(initial=0))):
        some = count > k
        share = k / count[some] if efron else np.zeros(int(some.sum()))
        left = under[some] - share[:, None] * dying[some]
        step = 1 / left[:, 0]
        mean = left[:, 1:] * step[:, None]
        hazard[some] += step
        means[some] += step[:, None] * mean
        own[some] += share * step
        own_means[some] += (share * step)[:, None] * mean
        first[some] += mean / count[some][:, None]
    before = [np.concatenate([[0.0], np.cumsum(hazard)]), np.vstack([np.zeros(x.shape[1]), np.cumsum(means, axis=0)])]
    ends = np.searchsorted(at, time, side="right")
    starts = np.zeros(len(time), dtype=np.intp) if entry is None else np.searchsorted(at, entry, side="right")
    total, total_means = (one[ends] - one[starts] for one in before)
    out = -risk[:, None] * (x * total[:, None] - total_means)
    out[deaths] += x[deaths] - first[which]
    out[deaths] += risk[deaths][:, None] * (x[deaths] * own[which][:, None] - own_means[which])
    return np.asarray(out)


def _sums_from(ends: Floats, values: Floats, at: Floats) -> Floats:
    """For each time the sum of the values whose end is not before it."""
    order = np.argsort(ends, kind="stable")
    tail = np.vstack([np.cumsum(values[order][::-1], axis=0)[::-1], np.zeros(values.shape[1])])
    return np.asarray(tail[np.searchsorted(ends[order], at, side="left")])


def clustered(residuals: Floats, groups: np.ndarray[tuple[int], np.dtype[np.intp]], covariance: Floats) -> Floats:
    """(p, p) Lin and Wei's (1989) sandwich with residuals summed by group, as R's `coxph(cluster=)`."""
    sums = np.zeros((int(groups.max()) + 1, residuals.shape[1]))
    np.add.at(sums, groups, residuals)
    return np.asarray(covariance @ (sums.T @ sums) @ covariance)
