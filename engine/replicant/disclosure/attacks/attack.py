"""All attacks on a release: which ones can be made with what the owner has, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from replicant.disclosure.attacks.inference import LEARNERS, Learner, Question, attribute_inference
from replicant.disclosure.attacks.linkability import linkability
from replicant.disclosure.attacks.membership import membership
from replicant.disclosure.attacks.pool import Pool, capped, pool
from replicant.disclosure.attacks.singling_out import singling_out
from replicant.evaluation.figure import Figure
from replicant.evaluation.rows import Integers, Rows
from replicant.evaluation.tasks import Tasks

__all__ = ["EFFORTS", "Attacks", "Effort", "attack"]

Effort: TypeAlias = Literal["quick", "full"]


@dataclass(frozen=True)
class _Budget:
    """What is spent.

    Attributes
    ----------
    targets, linked
        Records that are attacked; that are linked.
    rows
        Rows of a set among which neighbours are looked for.
    learned
        Rows of a set that a learner sees.
    attempts
        Statements of each kind, from each set.
    repetitions
        Seeds of the classifier of membership inference.
    learners
        Those of attribute inference.
    """

    targets: int
    linked: int
    rows: int
    learned: int
    attempts: int
    repetitions: int
    learners: tuple[Learner, ...]


EFFORTS: dict[Effort, _Budget] = {
    "quick": _Budget(500, 200, 20_000, 5_000, 1_000, 1, ("neighbours", "boosting")),
    "full": _Budget(2_000, 500, 100_000, 20_000, 2_000, 3, LEARNERS),
}


@dataclass(frozen=True, eq=False)
class Attacks:
    """What the attacks found.

    Attributes
    ----------
    figures
        Of all attacks.
    worst
        Positions in the real table of the records whose membership is recognized best, for the owner only.
    left_out
        What was not judged, or on a sample, and why: no value of a cell.
    """

    figures: list[Figure]
    worst: Integers
    left_out: list[str] = field(default_factory=list)


def attack(
    real: Rows,
    sets: Sequence[Rows],
    *,
    rng_of: Callable[[str], np.random.Generator],
    holdout: Rows | None = None,
    keys: Sequence[str] = (),
    targets: Sequence[str] = (),
    effort: Effort = "quick",
    cluster: str | None = None,
    only: Collection[str] | None = None,
    tasks: Tasks | None = None,
) -> Attacks:
    """Attacks a release.

    Parameters
    ----------
    real, sets
        The tables, in memory.
    rng_of
        A stream for each name of an attack: seeds are addresses.
    holdout
        Records of the same population that were not synthesized. Without it memorisation is judged against what the
        other real records tell, and membership not at all.
    keys, targets
        Columns that an intruder knows, and wants to learn.
    effort
        `quick` or `full`: see `EFFORTS`.
    cluster
        A column that names households: success counts households, and no attack looks at the column.
    only
        Measures that are wanted: attacks that give none of them are not made. None: all.
    tasks
        What runs the attacks; this thread, unless given.
    """

    def wanted(*prefixes: str) -> bool:
        return only is None or any(name.startswith(prefixes) for name in only)

    tasks = tasks or Tasks()
    budget = EFFORTS[effort]
    homes: tuple[Integers | None, Integers | None] = (None, None)
    if cluster is not None:
        j = real.coding.names.index(cluster)
        homes = real.cells[:, j], None if holdout is None else holdout.cells[:, j]
        names = [name for name in real.coding.names if name != cluster]
        real, sets = real.only(names), [one.only(names) for one in sets]
        holdout = None if holdout is None else holdout.only(names)
    keys = [name for name in keys if name != cluster]
    left_out = _said(real, sets, holdout, targets, budget, effort)
    if len(real) < _FEWEST or not sets or min(map(len, sets)) < _FEWEST:
        return Attacks([], np.empty(0, np.int64), [*left_out, f"all attacks: they need {_FEWEST} rows of each table"])

    draw = rng_of("pool")
    size = min(budget.targets, len(real) // 4)
    if holdout is not None:
        size = min(budget.targets, len(real), max(len(holdout), 1))
    members = pool(real, size, draw, homes[0])
    others = None if holdout is None else pool(holdout, size, draw, homes[1])
    figures = []
    if wanted("inference", "memorisation"):
        figures += _inferred(real, sets, members, others, targets, keys, budget, rng_of("inference"), tasks)
    if wanted("singled_out"):
        figures += singling_out(
            real, sets, rng_of("singling_out"), holdout=holdout, households=homes, attempts=budget.attempts, tasks=tasks
        )
    if wanted("linked"):
        figures += _linked(real, sets, members, others, keys, budget, rng_of("linkability"), tasks)
    worst = np.empty(0, np.int64)
    if holdout is not None and wanted("membership"):
        rng = rng_of("membership")
        tested = pool(holdout, min(budget.targets, len(holdout) // 2), rng, homes[1])
        reference = capped(holdout.take(np.delete(np.arange(len(holdout)), tested.positions)), budget.rows, rng)
        near = [capped(one, budget.rows, rng) for one in sets]
        found = membership(
            *(near, members, tested, reference, rng),
            repetitions=budget.repetitions,
            most=budget.learned,
            tasks=tasks,
        )
        figures += found.figures
        worst = found.worst
    return Attacks(figures, worst, left_out)


_FEWEST = 40

CONTROLS = 2
"""Samples of real rows, at most, that are used in the release's stead."""


def _inferred(
    real: Rows,
    sets: Sequence[Rows],
    members: Pool,
    others: Pool | None,
    targets: Sequence[str],
    keys: Sequence[str],
    budget: _Budget,
    rng: np.random.Generator,
    tasks: Tasks,
) -> list[Figure]:
    figures = []
    for learners, most in ((("neighbours",), budget.rows), (("boosting", "forest"), budget.learned)):
        releases, control = _beside(real, sets, members, others, most, rng)
        questions = [
            Question(target, columns, learner, suffix)
            for target in targets
            for learner in budget.learners
            if learner in learners
            for suffix, columns in _known(real.coding.names, keys, target)
        ]
        if questions:
            figures += attribute_inference(releases, members, control, questions, rng, tasks)
    return figures


def _known(names: Sequence[str], keys: Sequence[str], target: str) -> list[tuple[str, tuple[str, ...]]]:
    """What an intruder may know beside a target: the keys, or all other columns."""
    rest = tuple(name for name in names if name != target)
    some = tuple(name for name in keys if name != target)
    return [*([("_keys", some)] if some and set(some) != set(rest) else []), *([("_all", rest)] if rest else [])]


def _linked(
    real: Rows,
    sets: Sequence[Rows],
    members: Pool,
    others: Pool | None,
    keys: Sequence[str],
    budget: _Budget,
    rng: np.random.Generator,
    tasks: Tasks,
) -> list[Figure]:
    """The sources are the keys and the other columns, or halves of the columns."""
    names = list(real.coding.names)
    if len(names) < 2:
        return []
    first = list(keys)
    if not first or len(first) == len(names):
        first = [names[j] for j in rng.permutation(len(names))[: len(names) // 2]]
    second = [name for name in names if name not in first]
    size = min(budget.linked, len(members), len(others) if others is not None else len(members))
    linked, control_records = (
        None if one is None else one.take(np.sort(rng.permutation(len(one))[:size])) for one in (members, others)
    )
    assert linked is not None
    releases, control = _beside(real, sets, linked, control_records, budget.rows, rng)
    return linkability(releases, linked, control, first, second, tasks)


def _beside(
    real: Rows, sets: Sequence[Rows], members: Pool, others: Pool | None, most: int, rng: np.random.Generator
) -> tuple[list[Rows], Pool | list[Rows]]:
    """The release and its control: the holdout, or as many of the real rows that are not attacked."""
    if others is not None:
        return [capped(one, most, rng) for one in sets], others
    rest = real.take(np.delete(np.arange(len(real)), members.positions))
    size = min(*(len(one) for one in sets), len(rest), most)
    # Samples that are nearly all of the rest would differ in the order of their rows.
    samples = min(len(sets), max(len(rest) // size, 1), CONTROLS)
    return [capped(one, size, rng) for one in sets], [capped(rest, size, rng) for _ in range(samples)]


def _said(
    real: Rows, sets: Sequence[Rows], holdout: Rows | None, targets: Sequence[str], budget: _Budget, effort: Effort
) -> list[str]:
    said = []
    if holdout is None:
        said.append("membership inference, and singling out by rare values: they need a holdout")
    elif len(holdout) < 20:
        said.append(f"membership inference: it needs a holdout of 20 rows, and this one has {len(holdout)}")
    if not targets:
        said.append("attribute inference: no target is named")
    rows = len(real) if holdout is None else min(len(real), len(holdout))
    if rows > budget.targets:
        said.append(f"{effort} effort attacks {budget.targets} of {len(real)} records, drawn at random")
    largest = max(map(len, sets), default=0)
    if largest > budget.rows:
        said.append(f"{effort} effort looks for neighbours among {budget.rows} rows of each set")
    if targets and largest > budget.learned:
        said.append(f"{effort} effort has learners see {budget.learned} rows of each set")
    left = [name for name in LEARNERS if name not in budget.learners]
    if targets and left:
        said.append(f"{effort} effort leaves out attribute inference by {', '.join(left)}")
    return said
