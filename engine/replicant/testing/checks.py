"""What every method must promise, whatever it models: checks that fail with a `BrokenPromise`."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.testing.inputs import Rows, Target
from replicant.testing.population import CLASSES, sample_rows
from replicant.testing.trial import BrokenPromise, Fitted, Trial, features, generator, watched

__all__ = ["CHECKS", "NotApplicable"]

ROWS = 80


class NotApplicable(Exception):
    """The method does not claim what is checked."""


def _sample(trial: Trial, n: int = ROWS, seed: int = 11) -> tuple[list[Target], Rows]:
    return sample_rows(trial.kinds, n, generator(seed), clustered=trial.on_clusters)


def _again(one: Fitted, other: Fitted, seeds: tuple[int, int] = (1, 1)) -> bool:
    """Whether both draw the same."""
    pairs = zip(one.draw(seeds[0]), other.draw(seeds[1]), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def shapes(trial: Trial) -> None:
    """One value for each row, of the rows fitted on and of others."""
    y, x = _sample(trial)
    trial.fit(y, x).draw()
    for size in (1, 7, 200):
        trial.fit(y, x, x.take(np.arange(size) % x.n)).draw()


def seeds(trial: Trial) -> None:
    """Equal seeds give equal draws."""
    y, x = _sample(trial)
    one, again = trial.fit(y, x, seed=3), trial.fit(y, x, seed=3)
    if not _again(one, again) or not _again(one, one):
        raise BrokenPromise("equal seeds give different draws: randomness comes from elsewhere")
    if not trial.declaration.fit_is_random and not _again(one, trial.fit(y, x, seed=4)):
        raise BrokenPromise("`fit_is_random` is False, and another seed of the fit gives other draws")


def pickled(trial: Trial) -> None:
    """Method and model travel to other processes and draw the same there."""
    y, x = _sample(trial)
    fitted = trial.fit(y, x)
    with watched("pickle"):
        method, model = pickle.loads(pickle.dumps((trial.declaration.method, fitted.model)))
    if not _again(fitted, replace(fitted, model=model)):
        raise BrokenPromise("a model that was pickled draws otherwise")
    travelled = replace(trial, declaration=replace(trial.declaration, method=method))
    if not _again(fitted, travelled.fit(y, x)):
        raise BrokenPromise("a method that was pickled fits otherwise")


def weights(trial: Trial) -> None:
    """A row of weight 3 counts as three rows: means and mean squares of the draws are alike, within 4.5 errors."""
    y, x = _sample(trial, 60)
    heavy = np.where(np.arange(60) % 2 == 0, 1, 6)
    shifted = [
        Target(one.values + 3.0 * (heavy > 1))
        if not one.n_classes
        else Target.classes(
            np.where((heavy > 1) & (np.arange(60) % 3 > 0), one.n_classes - 1, one.values), one.n_classes
        )
        for one in y
    ]
    rows = np.repeat(np.arange(60), heavy)
    new = x.take(np.tile(np.arange(60), 3))
    by_weight, by_row = [], []
    for seed in range(16):
        weighted = trial.fit(shifted, x, new, weights=heavy, seed=seed)
        repeated = trial.fit([one.take(rows) for one in shifted], x.take(rows), new, seed=100 + seed)
        by_weight.append(_moments(weighted, seed))
        by_row.append(_moments(repeated, 100 + seed))
    a, b = np.array(by_weight), np.array(by_row)
    error = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / len(a))
    scale = np.abs(b).mean(axis=0) + 1e-9
    if (np.abs(a.mean(axis=0) - b.mean(axis=0)) > 4.5 * error + 0.02 * scale).any():
        raise BrokenPromise("rows with weights are not drawn from as repeated rows are")


def no_weight(trial: Trial) -> None:
    """Rows of weight 0 are as if they were not there."""
    y, x = _sample(trial)
    used = np.arange(ROWS) % 4 > 0
    spoilt = [
        Target(np.where(used, one.values, 1e4))
        if not one.n_classes
        else Target.classes(np.where(used, np.minimum(one.values, one.n_classes - 2), one.n_classes - 1), one.n_classes)
        for one in y
    ]
    for target, drawn in zip(spoilt, trial.fit(spoilt, x, weights=used.astype(int)).draw(), strict=True):
        wrong = drawn == target.n_classes - 1 if target.n_classes else drawn > 1e3
        if wrong.any():
            raise BrokenPromise("a row of weight 0 has to do with what is drawn")


def missing_class(trial: Trial) -> None:
    """A missing cell is a value like any other to a method that says so."""
    declared = trial.declaration
    claims = declared.draws_missing if trial.kinds[0] not in CLASSES else declared.missing_class
    if declared.block or not claims:
        raise NotApplicable
    y, x = _sample(trial, 300)
    gaps = generator(5).random(300) < 0.3
    fitted = trial.fit(y, x, gaps=gaps)
    drawn = np.concatenate([fitted.draw(seed)[0] for seed in range(5)])
    share = float(np.mean(drawn < 0) if y[0].n_classes else np.isnan(drawn).mean())
    if abs(share - gaps.mean()) > 0.12:
        raise BrokenPromise("missing cells are not drawn as often as they are observed")


def one_class(trial: Trial) -> None:
    """A column with one value only is drawn as that, but for the levels of a block, which may have a prior."""
    y, x = _sample(trial)
    flat = [Target(np.full_like(one.values, 1 if one.n_classes else 5.25), one.n_classes) for one in y]
    for target, drawn in zip(flat, trial.fit(flat, x, x.take(np.arange(40))).draw(), strict=True):
        expected = target.values[0]
        allowed = 0.0 if target.n_classes else 1e-6 * abs(expected)
        if not (trial.declaration.block and target.n_classes) and np.abs(drawn - expected).max() > allowed:
            raise BrokenPromise("a column with one value is drawn with others")


def empty_level(trial: Trial) -> None:
    """A level that never occurs is fitted around, and drawn by no method of one column."""
    if not any(kind in CLASSES and kind != "binary" for kind in trial.kinds):
        raise NotApplicable
    y, x = _sample(trial)
    gapped = [
        Target.classes(one.values + (one.values > 0), one.n_classes + 1) if one.n_classes > 2 else one for one in y
    ]
    for target, drawn in zip(gapped, trial.fit(gapped, x).draw(), strict=True):
        if target.n_classes > 2 and not trial.declaration.block and (drawn == 1).any():
            raise BrokenPromise("a level that never occurs is drawn")


def few_rows(trial: Trial) -> None:
    """Two rows, and one."""
    y, x = _sample(trial)
    for rows in ([0, 1], [2], [3, 3]):
        few = [one.take(np.array(rows)) for one in y]
        trial.fit(few, x.take(np.array(rows)), x.take(np.arange(20))).draw()


def rare_level(trial: Trial) -> None:
    """A level with one row."""
    if not any(kind in CLASSES for kind in trial.kinds):
        raise NotApplicable
    y, x = _sample(trial)
    rare = [
        Target.classes((np.arange(ROWS) == 7) * (one.n_classes - 1), one.n_classes) if one.n_classes else one
        for one in y
    ]
    trial.fit(rare, x).draw()


def separated(trial: Trial) -> None:
    """A predictor from which the column follows without error."""
    y, x = _sample(trial)
    order = np.argsort(np.argsort(x.numbers[:, 0]))
    apart = [
        Target.classes(order * one.n_classes // ROWS, one.n_classes)
        if one.n_classes
        else Target.numbers(2 * x.numbers[:, 0] + 1)
        for one in y
    ]
    trial.fit(apart, x).draw()


def no_predictor(trial: Trial) -> None:
    """Nothing predicts, or what does never varies."""
    y, x = _sample(trial)
    clusters: dict[str, Any] = {"cluster": x.cluster, "n_clusters": x.n_clusters}
    if not trial.declaration.only_predictor:
        trial.fit(y, Rows.of(n=ROWS, **clusters)).draw()
    constant = Rows.of([np.full(ROWS, 3.5), np.zeros(ROWS)], [np.ones(ROWS)], [2], **clusters)
    trial.fit(y, constant, constant.take(np.arange(30))).draw()


def missing_predictor(trial: Trial) -> None:
    """Cells of predictors are missing: some in all columns, all of one."""
    y, x = _sample(trial)
    rng = generator(6)
    holes = replace(
        x,
        numbers=np.where(rng.random(x.numbers.shape) < 0.3, np.nan, x.numbers),
        levels=np.where(rng.random(x.levels.shape) < 0.3, -1, x.levels).astype(np.int32),
    )
    trial.fit(y, holes).draw()
    trial.fit(y, holes, x).draw()
    gone = holes.numbers.copy()
    gone[:, 1] = np.nan
    trial.fit(y, replace(holes, numbers=gone), x.take(np.arange(9))).draw()


def unseen_level(trial: Trial) -> None:
    """Rows to be drawn have a level that the rows fitted on do not have."""
    y, x = _sample(trial)
    known = replace(x, levels=np.minimum(x.levels, 1).astype(np.int32))
    new = replace(x, levels=np.full_like(x.levels, 2))
    trial.fit(y, known, new).draw()


def wide(trial: Trial) -> None:
    """More predictors than rows."""
    y, x = _sample(trial, 15)
    more = np.column_stack([x.numbers, generator(7).normal(size=(15, 40))])
    trial.fit(y, replace(x, numbers=more)).draw()


def collinear(trial: Trial) -> None:
    """Predictors that follow from others, exactly and nearly."""
    y, x = _sample(trial)
    a, b = x.numbers.T
    more = np.column_stack([a, b, a + b, 2 * a, a * (1 + 1e-13), np.ones(ROWS)])
    twice = np.column_stack([x.levels, x.levels])
    trial.fit(y, replace(x, numbers=more, levels=twice, sizes=(3, 3))).draw()


def scales(trial: Trial) -> None:
    """Predictors, and numbers to be drawn, that are very large and very small, or far from zero."""
    y, x = _sample(trial)
    for factor, shift, unit in ((1e9, 0.0, 1e-9), (1e-9, 0.0, 1e9), (1.0, 1e8, 1.0), (1e-150, 0.0, 1e150)):
        scaled = [one if one.n_classes else Target(one.values * unit + shift) for one in y]
        moved = replace(x, numbers=x.numbers * factor + shift)
        drawn = trial.fit(scaled, moved).draw()
        for target, values in zip(scaled, drawn, strict=True):
            if not target.n_classes:
                low, high = target.values.min(), target.values.max()
                if values.min() < low - 9 * (high - low) or values.max() > high + 9 * (high - low):
                    raise BrokenPromise("numbers on another scale are drawn far from where they lie")


def far_away(trial: Trial) -> None:
    """Rows to be drawn lie far from those fitted on."""
    y, x = _sample(trial)
    trial.fit(y, x, replace(x, numbers=x.numbers * 1e6)).draw()


def clusters(trial: Trial) -> None:
    """Clusters of one row, one cluster only, and one that no row fitted on is of."""
    if not trial.on_clusters:
        raise NotApplicable
    y, x = _sample(trial)
    each = replace(x, cluster=np.arange(ROWS, dtype=np.int32), n_clusters=ROWS)
    whole = replace(x, cluster=np.zeros(ROWS, dtype=np.int32), n_clusters=1)
    for one in (each, whole, replace(whole, random=()), replace(x, random=(0, 1))):
        trial.fit(y, one).draw()
    wider = replace(x, n_clusters=x.n_clusters + 2)
    unseen = replace(wider, cluster=np.full(ROWS, x.n_clusters + 1, dtype=np.int32))
    trial.fit(y, wider, unseen).draw()


def known_cells(trial: Trial) -> None:
    """A block draws what is missing given what is known, and is fitted where cells are missing."""
    if not trial.declaration.block:
        raise NotApplicable
    y, x = _sample(trial, 120)
    rng = generator(9)
    holes = rng.random((120, len(y))) < 0.25
    holes[np.arange(120), rng.integers(0, len(y), 120)] = False  # a row with nothing is not fitted on
    partial = [
        Target(
            np.where(holes[:, j], -1 if one.n_classes else np.nan, one.values).astype(one.values.dtype), one.n_classes
        )
        for j, one in enumerate(y)
    ]
    fitted = trial.fit(partial, x)
    known = tuple(one.response().codes for one in partial)
    for j, drawn in enumerate(fitted.draw(known=known)):
        if partial[j].n_classes and (drawn[holes[:, j]] < 0).any():
            raise BrokenPromise("a missing cell of a block is not drawn")
    fitted.draw()
    fitted.draw(known=tuple(np.full_like(codes, -1) for codes in known))


def cost(trial: Trial) -> None:
    """`seconds` gives a cost for arrays of sizes."""
    rows, predictors, levels = np.array([10.0, 1e6]), np.array([0.0, 30.0]), np.array([0.0, 5.0])
    with watched("seconds"):
        seconds = np.broadcast_to(trial.declaration.seconds(rows, predictors, levels), (2,))
    if not (np.isfinite(seconds).all() and (seconds >= 0).all()):
        raise BrokenPromise("`seconds` gives what is no time")


def _moments(fitted: Fitted, seed: int) -> npt.NDArray[np.float64]:
    """Means and mean squares of a draw."""
    drawn = features(fitted.y, fitted.draw(seed))
    return np.concatenate([drawn.mean(axis=0), (drawn**2).mean(axis=0)])


CHECKS: Mapping[str, Callable[[Trial], None]] = {
    check.__name__: check
    for check in (
        *(shapes, seeds, pickled, weights, no_weight, missing_class, one_class, empty_level, few_rows, rare_level),
        *(separated, no_predictor, missing_predictor, unseen_level, wide, collinear, scales, far_away, clusters),
        *(known_cells, cost),
    )
}
"""Check by name."""
