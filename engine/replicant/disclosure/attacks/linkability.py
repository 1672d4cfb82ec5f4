"""Linkability: an intruder has records of the same people from two sources and links them through the release.

Each source has some of the columns. The intruder takes the synthetic records nearest to what the first source says of a
person, and links the record of the second source whose other columns are nearest to those of one of them: statistical
matching over a common synthetic record (D'Orazio, Di Zio and Scanu 2006). A release that keeps the dependence of the
columns links well by that alone; so the rate is set beside that of people who were not synthesized, or, without a
holdout, of the same people when other real records are used in the release's stead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicant.disclosure.attacks.neighbours import distances, nearest, points
from replicant.disclosure.attacks.pool import Pool
from replicant.evaluation.figure import BaselineKind, Figure, against_rate
from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import Tasks
from replicant.table.arrays import Floats

__all__ = ["linkability", "links"]

NEIGHBOURS = 10


def linkability(
    sets: Sequence[Rows],
    records: Pool,
    control: Pool | Sequence[Rows],
    first: Sequence[str],
    second: Sequence[str],
    tasks: Tasks | None = None,
) -> list[Figure]:
    """How often the right record of the second source is linked.

    Parameters
    ----------
    sets
        The release.
    records
        Real records that were synthesized, as both sources have them.
    control
        As many records of a holdout; or other real rows in the sets' stead, as often as there are such samples.
    first, second
        The columns of the two sources.
    tasks
        What links; this thread, unless given.

    Returns
    -------
    list of Figure
        `linked`: the share of records (households) that are linked with their own. A rise beyond the control group
        means that synthetic rows hold together cells of one real record.
    """
    held = isinstance(control, Pool)
    if isinstance(control, Pool):
        attempts = [(one, records) for one in sets] + [(one, control) for one in sets]
        trials = control.trials
    else:
        attempts = [(one, records) for one in (*sets, *control)]
        trials = records.trials
    data = (attempts, list(first), list(second))
    hits = (tasks or Tasks()).each("linking records", _linked, data, range(len(attempts)))
    own, others = hits[: len(sets)], hits[len(sets) :]
    kind: BaselineKind = "holdout" if held else "leave_one_out"
    return [against_rate("linked", own, records.trials, others, trials, kind=kind)]


def _linked(data: tuple[list[tuple[Rows, Pool]], list[str], list[str]], at: int) -> float:
    attempts, first, second = data
    release, asked = attempts[at]
    return float(asked.any_member(links(release, asked.rows, first, second)).sum())


def links(release: Rows, records: Rows, first: Sequence[str], second: Sequence[str]) -> Floats:
    """(t,) How likely each record is linked with its own: one over the number of records that are as near."""
    gap, at = nearest(points(records.only(first)), points(release.only(first)), NEIGHBOURS)
    share = len(first) / (len(first) + len(second))
    other, near = points(records.only(second)), release.only(second)
    found = np.zeros(len(records))
    for i in range(len(records)):
        apart = distances(points(near.take(at[i])), other)
        joined = (share * gap[i][:, None] + (1 - share) * apart).min(axis=0)
        ties = joined <= joined.min() + 1e-6
        found[i] = ties[i] / ties.sum()
    return found
