"""Membership inference: can an intruder tell records that were synthesized from others of the population?

The intruder holds records, the release, and other records of the population (a reference: the records of the holdout
that are not tested). Each attack scores a record; the area under the curve
of members against non-members is 0.5 where the score says nothing (Yeom et al. 2018; Carlini et al. 2022 on its tail).
The intruder takes the attack that works best, so the largest area is judged, against its distribution when members and
non-members are exchanged at random.

Scores are averaged over the sets, and over the members of a household.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from replicant.disclosure.attacks.inference import features
from replicant.disclosure.attacks.neighbours import nearest, points
from replicant.disclosure.attacks.pool import Pool, capped
from replicant.evaluation.figure import Figure, against_draws, plain
from replicant.evaluation.rows import Integers, Rows
from replicant.evaluation.tasks import Tasks, one_openmp_thread, seeds, stream_of
from replicant.table.arrays import Floats

__all__ = ["ATTACKS", "Membership", "area", "delong", "membership"]

ATTACKS = ("distance", "isolation", "distance_ratio", "density_ratio", "classifier")
"""By the distance to the nearest synthetic record; by that over the mean distance of the nearest ten; by that over the
distance to the nearest reference record; by kernel densities of the release and of the reference; by boosting that was
trained to tell the release from the reference."""

NEIGHBOURS = 10
DRAWS = 400
LOW_FPR = 0.01


@dataclass(frozen=True, eq=False)
class Membership:
    """What membership inference found.

    Attributes
    ----------
    figures
        `membership_auc`, the largest area over the attacks: judged; `membership_auc_...`, each with DeLong's interval,
        and `membership_tpr`, the largest share of members found while 1 % of the others are taken for members, beside
        what exchanged labels give: these inform. A rise means that it can be seen who was synthesized.
    worst
        Positions in the real table of the 1 % of the tested members that are recognized best, for the owner only.
    """

    figures: list[Figure]
    worst: Integers


def membership(
    sets: Sequence[Rows],
    members: Pool,
    others: Pool,
    reference: Rows,
    rng: np.random.Generator,
    *,
    repetitions: int = 2,
    most: int = 20_000,
    tasks: Tasks | None = None,
) -> Membership:
    """Scores records by all attacks.

    Parameters
    ----------
    sets
        The release.
    members
        Records that were synthesized.
    others
        Records of the same population that were not: a sample of a holdout.
    reference
        The rest of the holdout. No record of it is tested, also not in turn with the others: two tests that exchange
        tested records and reference err together, by more than exchanged labels show.
    rng
        A stream of the caller.
    repetitions
        Seeds of the classifier, and samples of a set that it learns from.
    most
        The most rows of a set, and of the reference, that the classifier learns from.
    tasks
        What scores; this thread, unless given.
    """
    n, k = members.trials, others.trials
    if min(n, k, len(reference)) < 10:
        return Membership([], np.empty(0, np.int64))
    everyone = members.rows.combine(others.rows)
    households = np.concatenate([members.households, others.households + n])
    to_reference = nearest(points(everyone), points(reference), NEIGHBOURS)[0].astype(np.float64)
    data = _Asked(sets, everyone, reference, to_reference, most)
    items = [(at, tuple(seeds(rng, repetitions))) for at in range(len(sets))]
    scores = np.zeros((len(ATTACKS), n + k))
    for ranked in (tasks or Tasks()).each("recognizing members", _ranked, data, items):
        scores += [np.bincount(households, row) / np.bincount(households) for row in ranked]
    return _concluded(scores, n, members, rng)


@dataclass(frozen=True, eq=False)
class _Asked:
    """The sets, the records that are scored, and the reference with the distances to it."""

    sets: Sequence[Rows]
    everyone: Rows
    reference: Rows
    to_reference: Floats
    most: int


def _ranked(data: _Asked, item: tuple[int, tuple[int, ...]]) -> Floats:
    """(attacks, records) Ranks of the scores by one set."""
    which, seeds_of_fits = item
    one = data.sets[which]
    distances = nearest(points(data.everyone), points(one), NEIGHBOURS)[0].astype(np.float64)
    learned = []
    for seed in seeds_of_fits:
        rng = stream_of(seed)
        release, reference = (capped(rows, data.most, rng) for rows in (one, data.reference))
        learned.append(_classifier(release, reference, data.everyone, int(rng.integers(2**31))))
    scores = [*_scores(distances, data.to_reference), np.mean(learned, axis=0)]
    return np.asarray(stats.rankdata(scores, axis=1))


def area(scores: Floats, is_member: NDArray[np.bool_]) -> float:
    """Area under the curve: how often a member's score is above another's, equal ones counted half."""
    n = int(is_member.sum())
    total = stats.rankdata(scores)[is_member].sum()
    return float((total - n * (n + 1) / 2) / (n * (len(scores) - n)))


def delong(scores: Floats, is_member: NDArray[np.bool_]) -> tuple[float, float]:
    """The standard error of an area by DeLong et al. (1988), and the area."""
    a, b = scores[is_member], scores[~is_member]
    ranked = stats.rankdata(np.concatenate([a, b]))
    above = (ranked[: len(a)] - stats.rankdata(a)) / len(b)  # the others below each member
    below = 1 - (ranked[len(a) :] - stats.rankdata(b)) / len(a)
    return math.sqrt(above.var(ddof=1) / len(a) + below.var(ddof=1) / len(b)), float(above.mean())


def _scores(release: Floats, reference: Floats) -> list[Floats]:
    tiny = 1e-6
    first = release[:, 0]
    width = max(float(np.median(reference[:, 0])), tiny)

    def density(distance: Floats) -> Floats:
        return np.asarray(np.log(np.exp(-distance / width).mean(axis=1) + 1e-300))

    return [
        -first,
        -first / (release.mean(axis=1) + tiny),
        -(first + tiny) / (reference[:, 0] + tiny),
        density(release) - density(reference),
    ]


def _classifier(release: Rows, reference: Rows, asked: Rows, seed: int) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier

    x = np.vstack([features(release), features(reference)])
    y = np.repeat([1, 0], [len(release), len(reference)])
    weights = np.where(y == 1, 1 / len(release), 1 / len(reference)) * len(y) / 2
    model: Any = HistGradientBoostingClassifier(
        max_iter=30, learning_rate=0.2, min_samples_leaf=5, early_stopping=False, random_state=seed
    )
    with one_openmp_thread():
        model.fit(x, y, sample_weight=weights)
    return np.asarray(model.decision_function(features(asked)), dtype=np.float64)


def _concluded(scores: Floats, n: int, members: Pool, rng: np.random.Generator) -> Membership:
    is_member = np.arange(scores.shape[1]) < n
    k = len(is_member) - n
    ranked = stats.rankdata(scores, axis=1)
    # Ties in the tail are decided by chance, the same for all labels.
    order = [np.lexsort((rng.random(n + k), -row)) for row in scores]
    labels = np.array([is_member, *(rng.permutation(is_member) for _ in range(DRAWS))])
    areas = (ranked @ labels.T - n * (n + 1) / 2) / (n * k)
    tails = np.array([_found_at(labels[:, one], n, k) for one in order])
    best = int(areas[:, 0].argmax())
    figures = [
        against_draws("membership_auc", [areas[:, 0].max()], areas[:, 1:].max(axis=0), kind="holdout"),
        against_draws("membership_tpr", [tails[:, 0].max()], tails[:, 1:].max(axis=0), worse="", kind="holdout"),
    ]
    for name, row in zip(ATTACKS, scores, strict=True):
        error, value = delong(row, is_member)
        one = plain(f"membership_auc_{name}", [value], baseline=0.5, kind="holdout")
        reach = 1.96 * error
        figures.append(replace(one, low=max(value - reach, 0.0), high=min(value + reach, 1.0)))
    recognized = np.argsort(-scores[best, :n], kind="stable")[: max(round(n / 100), 1)]
    return Membership(figures, members.positions[np.isin(members.households, recognized)])


def _found_at(ordered: NDArray[np.bool_], n: int, k: int) -> Floats:
    """(draws,) Share of members above the score that 1 % of the others exceed; rows are draws, best score first."""
    allowed = math.floor(LOW_FPR * k)
    above = np.cumsum(~ordered, axis=1) <= allowed
    return np.asarray((ordered & above).sum(axis=1) / n)
