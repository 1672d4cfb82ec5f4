"""What a method must recover of data from its own model: means, spreads, associations, coverage by Rubin's rules."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.testing.inputs import Rows, Target
from replicant.testing.population import CLASSES, sample_rows
from replicant.testing.trial import BrokenPromise, Trial, features, generator

__all__ = ["CLAIMS", "coverage", "recovery"]

CLAIMS = ("mean", "spread", "numbers", "levels")
"""What may be claimed: means and shares, standard deviations, association with numbers, and with levels."""

ROWS = 400
ERRORS = 4.5  # Monte-Carlo errors that a difference may have
SLACK = {True: 0.02, False: 0.12}
"""Bias allowed beside them, in standard deviations or as a correlation: of parametric methods, and of others."""

LEAST = 0.95
M = 5


def recovery(trial: Trial, claims: Collection[str], replicates: int) -> None:
    """Rows from the same population: what is drawn for them is distributed as what they have.

    Parameters
    ----------
    trial
        The method.
    claims
        Which of `CLAIMS` it makes.
    replicates
        Samples to draw.
    """
    differences = []
    for replicate in range(replicates):
        rng = generator(17, replicate)
        # The same clusters in both halves: their effects are known from the one, and met in the other.
        y, x = sample_rows(trial.kinds, 2 * ROWS, rng, clustered=trial.on_clusters)
        half, other = np.arange(ROWS), np.arange(ROWS, 2 * ROWS)
        new = x.take(other)
        fitted = trial.fit([one.take(half) for one in y], x.take(half), new, seed=replicate)
        drawn = _figures(features(y, fitted.draw(replicate)), new)
        real = _figures(features(y, [one.values[other] for one in y]), new)
        differences.append({claim: drawn[claim] - real[claim] for claim in claims})
    slack, lost = SLACK[trial.declaration.parametric], []
    for claim in claims:
        found = np.array([one[claim] for one in differences])
        mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(replicates)
        excess = np.abs(mean) - ERRORS * error - slack
        if (excess > 0).any():
            worst = int(excess.argmax())
            lost.append(f"{_WORDS[claim]} is off by {mean[worst]:.3f} with a Monte-Carlo error of {error[worst]:.3f}")
    if lost:
        raise BrokenPromise("; ".join(lost))


_WORDS = {
    "mean": "the mean, or a share",
    "spread": "the standard deviation",
    "numbers": "the correlation with a number",
    "levels": "the difference between levels of a predictor",
}


def _figures(drawn: npt.NDArray[np.float64], x: Rows) -> dict[str, npt.NDArray[np.float64]]:
    """What is compared: in units in which the columns are about 1 wide."""
    spread = drawn.std(axis=0)
    centred = (drawn - drawn.mean(axis=0)) / np.maximum(spread, 1e-9)
    groups = [centred[x.levels[:, 0] == level].mean(axis=0) for level in range(3)]
    return {
        "mean": drawn.mean(axis=0),
        "spread": spread,
        "numbers": np.concatenate([centred.T @ x.numbers[:, j] / len(drawn) for j in range(2)]),
        "levels": np.concatenate([(groups[level] - groups[0]) / 2 for level in (1, 2)]),
    }


def coverage(trial: Trial, replicates: int) -> float:
    """Share of Rubin's 95 % intervals for a mean that cover it, cells being missing at random given the predictors.

    Parameters
    ----------
    trial
        A method of one column whose parameters are drawn.
    replicates
        Samples to draw.

    Returns
    -------
    float
        0 to 1; what is below 0.95 by more than the Monte-Carlo error and one point is a `BrokenPromise`.
    """
    from replicant.pool import pool

    truth = _truth(trial)
    covered = []
    for replicate in range(replicates):
        rng = generator(23, replicate)
        y, x = sample_rows(trial.kinds, 250, rng)
        gone = rng.random(250) < 1 / (1 + np.exp(-x.numbers[:, 0]))
        seen, lost = np.flatnonzero(~gone), np.flatnonzero(gone)
        observed = [one.take(seen) for one in y]
        estimates, variances = [], []
        for i in range(M):
            fitted = trial.fit(observed, x.take(seen), x.take(lost), seed=M * replicate + i)
            drawn = fitted.draw(M * replicate + i)
            whole = [_completed(*cells, gone) for cells in zip(y, drawn, strict=True)]
            cells = features(y, whole)
            estimates.append(cells.mean(axis=0))
            variances.append(cells.var(axis=0, ddof=1) / 250)
        for q, value in enumerate(truth):
            pooled = pool([one[q] for one in estimates], [one[q] for one in variances], rule="rubin1987", dfcom=249)
            row = pooled.frame.iloc[0]
            covered.append(row["conf_low"] <= value <= row["conf_high"])
    share = float(np.mean(covered))
    error = np.sqrt(LEAST * (1 - LEAST) / replicates)
    if share < LEAST - ERRORS * error - 0.01:
        raise BrokenPromise(f"95 % intervals cover {100 * share:.1f} % of the time")
    return share


def _completed(y: Target, drawn: npt.NDArray[Any], gone: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    values = y.values.copy()
    values[gone] = drawn
    return values


def _truth(trial: Trial) -> npt.NDArray[np.float64]:
    """Population means; of levels from a large sample, with an error far below that of an estimate."""
    y, _ = sample_rows(trial.kinds, 2_000_000, generator(29))
    if not any(kind in CLASSES for kind in trial.kinds):
        return np.array([2.0 + 0.7 / 3])
    return np.asarray(features(y, [one.values for one in y]).mean(axis=0))
