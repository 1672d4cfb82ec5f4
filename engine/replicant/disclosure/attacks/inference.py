"""Attribute inference: what an intruder learns of a target column from the release and from other columns of a record.

The intruder trains on the release and guesses the target of real records (Yeom et al. 2018; Hittmeir et al. 2020). A
good model of the population guesses well of anybody; what is right of records that were synthesized more often than of
others was memorised. So every rate stands beside that of the control group: records of a holdout guessed from the same
release, or, without one, the same records guessed from other real records in the release's stead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.disclosure.attacks.neighbours import nearest, points
from replicant.disclosure.attacks.pool import Pool
from replicant.evaluation.figure import Figure, against_rate, wilson
from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import Tasks, one_openmp_thread, seeds
from replicant.table.arrays import Floats

__all__ = ["LEARNERS", "Learner", "Question", "attribute_inference", "features", "memorisation_gap"]

Learner: TypeAlias = Literal["forest", "boosting", "neighbours"]
LEARNERS: tuple[Learner, ...] = ("neighbours", "boosting", "forest")

NEAR = 0.1
"""A guess of a number is right within this share of the real values' standard deviation."""

NEIGHBOURS = 5
_NATIVE = 250  # levels that boosting takes as such; those of longer columns are numbers to it


@dataclass(frozen=True)
class Question:
    """What an intruder wants, knows, and learns by.

    Attributes
    ----------
    target, known
        The column, and those that are known.
    learner
        `forest`, `boosting`, or `neighbours` (the nearest five by Gower's distance, voting by one over it).
    suffix
        Of the measures' names.
    """

    target: str
    known: tuple[str, ...]
    learner: Learner
    suffix: str = ""


@dataclass(frozen=True)
class _Task(Question):
    """How near a guess of a number must be; 0: the target has levels."""

    near: float = 0.0

    @classmethod
    def of(cls, question: Question, records: Rows) -> _Task:
        j = records.coding.names.index(question.target)
        near = 0.0
        if records.coding.columns[j].is_numeric:
            numbers = records.numbers[:, j]
            spread = float(np.nanstd(numbers)) if np.isfinite(numbers).any() else 0.0
            near = NEAR * spread or 1e-9
        return cls(question.target, question.known, question.learner, question.suffix, near)

    def guesses(self, release: Rows, asked: Rows, seed: int) -> Floats:
        y = self.truth(release)
        kept = release.take(~np.isnan(y))
        x, y = kept.only(self.known), y[~np.isnan(y)]
        if not len(y):
            return np.full(len(asked), math.nan)
        if len(np.unique(y)) == 1:
            return np.full(len(asked), y[0])
        if self.learner == "neighbours":
            return self._nearest(x, y, asked.only(self.known))
        model = self._model(x, len(np.unique(y)), seed % 2**32)
        with one_openmp_thread():
            model.fit(features(x), y)
        return np.asarray(model.predict(features(asked.only(self.known))), dtype=np.float64)

    def truth(self, rows: Rows) -> Floats:
        """(n,) Codes of levels, missing among them, or numbers."""
        own = rows.only([self.target])
        return own.numbers[:, 0] if self.near else own.groups[:, 0].astype(np.float64)

    def right(self, release: Rows, asked: Sequence[Pool], seed: int) -> list[tuple[float, int]]:
        """Of each pool, households of which a member's target is guessed, and households.

        Records without the number are left out.
        """
        found = []
        pools = [one.take(np.flatnonzero(~np.isnan(self.truth(one.rows)))) for one in asked]
        everyone = reduce(Rows.combine, [one.rows for one in pools])
        off = np.abs(self.guesses(release, everyone, seed) - self.truth(everyone)) if len(everyone) else np.empty(0)
        for one in pools:
            own, off = off[: len(one)], off[len(one) :]
            hits = one.any_member((own <= self.near + 1e-9).astype(np.float64))
            found.append((float(hits.sum()), one.trials))
        return found

    def _nearest(self, x: Rows, y: Floats, asked: Rows) -> Floats:
        """The vote, or mean, of the nearest, by one over the distance: a record's own copy decides."""
        distance, at = nearest(points(asked), points(x), NEIGHBOURS)
        weight, near = 1 / (distance.astype(np.float64) + 1e-6), y[at]
        if self.near:
            return np.asarray((near * weight).sum(axis=1) / weight.sum(axis=1))
        votes = (weight[:, :, None] * (near[:, :, None] == near[:, None, :])).sum(axis=1)
        return np.asarray(near[np.arange(len(near)), votes.argmax(axis=1)])

    def _model(self, x: Rows, levels: int, seed: int) -> Any:
        from sklearn import ensemble

        if self.learner == "forest":
            make = ensemble.RandomForestRegressor if self.near else ensemble.RandomForestClassifier
            # Trees of all rows, down to single ones: a better attack on what was memorised than bootstrap samples.
            return make(n_estimators=40, max_features="sqrt", bootstrap=False, random_state=seed)
        native = [not column.is_numeric and column.size <= _NATIVE for column in x.coding.columns]
        kind = ensemble.HistGradientBoostingRegressor if self.near else ensemble.HistGradientBoostingClassifier
        trees = 40 if self.near else max(min(40, 160 // levels), 5)  # every level has a tree of its own in every round
        return kind(
            max_iter=trees,
            learning_rate=0.2,
            min_samples_leaf=5,
            early_stopping=False,
            categorical_features=native,
            random_state=seed,
        )


def attribute_inference(
    sets: Sequence[Rows],
    records: Pool,
    control: Pool | Sequence[Rows],
    questions: Sequence[Question],
    rng: np.random.Generator,
    tasks: Tasks | None = None,
) -> list[Figure]:
    """How often targets are guessed.

    Parameters
    ----------
    sets
        What the intruder learns from.
    records
        Real records that were synthesized.
    control
        Records of a holdout; or other real rows to learn from in the sets' stead, as often as there are such samples.
    questions
        What is guessed.
    rng
        A stream of the caller.
    tasks
        What runs the fits; this thread, unless given.

    Returns
    -------
    list of Figure
        `inference_...`, the share of records whose target is guessed: the level, or a number within a tenth of the
        standard deviation. `memorisation_gap_...`, that share less the control group's, with its interval. A rise
        beyond the control group means that the release repeats its own records.
    """
    held = isinstance(control, Pool)
    releases = [*sets, *([] if isinstance(control, Pool) else control)]
    asked = [records, control] if isinstance(control, Pool) else [records]
    wanted = [_Task.of(question, records.rows) for question in questions]
    pairs = [(at, which) for at in range(len(wanted)) for which in range(len(releases))]
    items = [(*pair, seed) for pair, seed in zip(pairs, seeds(rng, len(pairs)), strict=True)]
    rights = (tasks or Tasks()).each("guessing targets", _attempt, (wanted, releases, asked), items)
    figures = []
    for at, task in enumerate(wanted):
        own = rights[at * len(releases) : (at + 1) * len(releases)]
        ours = [one[0] for one in own[: len(sets)]]
        others = [one[1] for one in own] if held else [one[0] for one in own[len(sets) :]]
        figure = against_rate(
            f"inference_{task.learner}{task.suffix}",
            [right for right, _ in ours],
            ours[0][1],
            [right for right, _ in others],
            others[0][1],
            of=task.target,
            kind="holdout" if held else "leave_one_out",
        )
        gap = f"memorisation_gap_{task.learner}{task.suffix}"
        figures += [figure, memorisation_gap(figure, ours[0][1], others[0][1], gap)]
    return figures


def _attempt(
    data: tuple[Sequence[_Task], Sequence[Rows], Sequence[Pool]], item: tuple[int, int, int]
) -> list[tuple[float, int]]:
    wanted, releases, asked = data
    at, which, seed = item
    return wanted[at].right(releases[which], asked, seed)


def memorisation_gap(figure: Figure, trials: int, control_trials: int, measure: str) -> Figure:
    """The rate less the control group's, with Newcombe's (1998) interval of a difference; informs, not flagged."""
    if figure.baseline is None or not trials or not control_trials:
        return Figure(measure, figure.of)
    (low, high), (below, above) = (
        wilson(figure.value * trials, trials),
        wilson(figure.baseline * control_trials, control_trials),
    )
    gap = figure.value - figure.baseline
    return Figure(
        measure,
        figure.of,
        gap,
        figure.spread,
        gap - math.hypot(figure.value - low, above - figure.baseline),
        gap + math.hypot(high - figure.value, figure.baseline - below),
        0.0,
        baseline_kind=figure.baseline_kind,
    )


def features(rows: Rows) -> NDArray[np.float32]:
    """(n, p) What trees learn from: numbers, missing ones NaN, and positions of levels."""
    return np.where(rows.coding.is_numeric, rows.numbers, rows.groups).astype(np.float32)
