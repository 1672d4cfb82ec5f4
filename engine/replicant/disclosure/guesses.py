"""Guesses of a target by a model that is trained on the release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from replicant.disclosure.comparison import Share, compared
from replicant.evaluation.figure import Figure
from replicant.evaluation.rows import Integers, Rows
from replicant.table.arrays import Floats

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["confident_guesses"]

TREES = 10
LEAF = 5
FOLDS = 2
MOST = 5_000  # rows that a model is trained on, and records that are guessed


def confident_guesses(
    real: Rows,
    sets: Sequence[Rows],
    keys: Sequence[str],
    target: str,
    rng: Generator,
    *,
    holdout: Rows | None = None,
    threshold: float = 0.3,
) -> Figure:
    """Records whose target a model of the release names with more confidence than its share in the table gives.

    Parameters
    ----------
    real, sets, holdout
        The tables; of more than `MOST` rows, a sample.
    keys, target
        Known and wanted columns; a number is wanted in its group.
    rng
        A stream of the caller.
    threshold
        Of (p - b) / (1 - b), the confidence p in the true level beyond its share b.

    Returns
    -------
    Figure
        `confident_guesses`, after RAPID (2602.09235), by a random forest. A rise means that more targets can be
        inferred. With a holdout, the same models guess its records, and what real records have beyond it is theirs.
        Without, models of the other real records do (leave one out, in halves); as such models differ by chance among
        themselves, the figure then informs and is not flagged.
    """
    real = _sample(real, rng)
    base = np.bincount(_wanted(real, target), minlength=real.only([target]).coding.sizes[0]) / max(len(real), 1)
    fresh = None if holdout is None else _sample(holdout, rng)
    each, expected = [], []
    for one in sets:
        model = _Forest(_sample(one, rng), keys, target, rng)
        each.append(Share(_confident(model.confidence(real), real, target, base, threshold), np.ones(len(real))))
        if fresh is not None:
            expected.append(_confident(model.confidence(fresh), fresh, target, base, threshold))
    if fresh is None:
        fold = rng.integers(0, FOLDS, len(real))
        confidence = np.zeros(len(real))
        for one in np.unique(fold):
            others = real.take(fold != one)
            if len(others):
                confidence[fold == one] = _Forest(others, keys, target, rng).confidence(real.take(fold == one))
        expected.append(_confident(confidence, real, target, base, threshold))
    return _figure(each, np.mean(expected, axis=0), fresh, target)


def _figure(each: list[Share], expected: Floats, fresh: Rows | None, target: str) -> Figure:
    """The records of the holdout follow those of the real table, so that each is a class of its own."""
    n, h = len(each[0].top), 0 if fresh is None else len(fresh)
    if fresh is None:
        baseline = Share(expected, np.ones(n))
        return compared("confident_guesses", each, baseline, of=target, informs=True, kind="leave_one_out")
    own = [Share(np.append(one.top, np.zeros(h)), np.append(one.bottom, np.zeros(h))) for one in each]
    baseline = Share(np.append(np.zeros(n), expected), np.append(np.zeros(n), np.ones(h)))
    return compared("confident_guesses", own, baseline, of=target, kind="holdout")


def _confident(confidence: Floats, rows: Rows, target: str, base: Floats, threshold: float) -> Floats:
    share = base[_wanted(rows, target)]
    beyond = (confidence - share) / np.maximum(1 - share, 1e-12)
    return ((beyond > threshold) & (share < 1)).astype(np.float64)


def _wanted(rows: Rows, target: str) -> Integers:
    return rows.only([target]).groups[:, 0].astype(np.int64)


def _sample(rows: Rows, rng: Generator) -> Rows:
    return rows if len(rows) <= MOST else rows.take(rng.choice(len(rows), MOST, replace=False))


class _Forest:
    """A random forest (Breiman 2001) of the target given the keys."""

    def __init__(self, rows: Rows, keys: Sequence[str], target: str, rng: Generator) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self.keys, self.target = keys, target
        self.model = RandomForestClassifier(
            TREES, min_samples_leaf=LEAF, random_state=int(rng.integers(1 << 31)), n_jobs=1
        ).fit(self._known(rows), _wanted(rows, target))

    def _known(self, rows: Rows) -> Floats:
        """Numbers, and positions of levels; missing ones below all others."""
        known = rows.only(self.keys)
        plain = np.where(known.coding.is_numeric, known.numbers, known.groups)
        return np.nan_to_num(plain, nan=-1e30)

    def confidence(self, rows: Rows) -> Floats:
        """(n,) The model's probability of each record's own level."""
        shares = self.model.predict_proba(self._known(rows))
        position = np.full(rows.only([self.target]).coding.sizes[0], -1)
        position[self.model.classes_] = np.arange(len(self.model.classes_))
        at = position[_wanted(rows, self.target)]
        own: Floats = np.where(at < 0, 0.0, shares[np.arange(len(rows)), np.maximum(at, 0)])
        return own
