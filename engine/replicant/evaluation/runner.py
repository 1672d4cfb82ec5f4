"""From tables to an evaluation: rows are coded, measured as a whole and group by group, and judged together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.evaluation.figure import Figure, judged
from replicant.evaluation.inputs import MOST_ROWS, Inputs, in_memory
from replicant.evaluation.result import Evaluation
from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import Tasks, opened
from replicant.events import Event
from replicant.plan.seeds import Stage, derived_seed, stream

__all__ = ["Effort", "Streams", "Subset", "evaluate", "known_columns", "streams_of"]

Effort: TypeAlias = Literal["quick", "full"]

SMALLEST = 50
"""Rows that a group must have in every table to be measured by itself."""


SHOWN = 1_000_000
"""Cells of all tables from which on an evaluation shows its progress."""


class Streams(Protocol):
    """Random streams by what they are for: the same whatever else is measured."""

    def __call__(self, *address: object) -> np.random.Generator: ...


def streams_of(seed: int, *about: object) -> Streams:
    """The streams of a run."""

    def rng_of(*address: object) -> np.random.Generator:
        name = "/".join(str(part) for part in (*about, *address))
        return stream(derived_seed(seed, name), Stage.EVALUATION)

    return rng_of


@dataclass(frozen=True, eq=False)
class Subset:
    """What is measured at once: all rows, or those of one group.

    Attributes
    ----------
    real, sets, holdout
        Rows in memory.
    rng_of
        Its streams.
    tasks
        What runs its steps.
    whole
        Whether it is all rows rather than a group.
    """

    real: Rows
    sets: Sequence[Rows]
    holdout: Rows | None
    rng_of: Streams
    tasks: Tasks
    whole: bool = True

    def only(self, names: Sequence[str]) -> Subset:
        """The same of some columns."""
        real, *sets = (one.only(names) for one in (self.real, *self.sets))
        return replace(self, real=real, sets=sets, holdout=None if self.holdout is None else self.holdout.only(names))


Found: TypeAlias = "tuple[list[Figure], list[str]]"
"""Figures, and what was left out."""


def evaluate(
    about: Literal["utility", "disclosure"],
    given: Inputs,
    measure: Callable[[Subset], Found],
    *,
    by: str | None,
    effort: Effort,
    seed: int,
    settings: dict[str, object],
    client: Any = None,
    threads: int | None = None,
) -> Evaluation:
    """Measure everything, and judge it.

    Parameters
    ----------
    about
        What is evaluated.
    given
        The tables.
    measure
        Gives the figures of a subset of rows.
    by
        A column whose levels make groups.
    effort
        `quick` or `full`.
    seed
        Of all random streams.
    settings
        What else the result says of itself.
    client, threads
        What runs the steps: see `opened`.
    """
    if effort not in ("quick", "full"):
        raise SpecError(f"effort is {effort!r}{nearest(str(effort), ['quick', 'full'])}", need="quick or full")
    if by is not None:
        known_columns(given, "by", [by])
        if next(one for one in given.coding.columns if one.name == by).is_numeric:
            raise SpecError(f"by names {by!r}, which is a column of numbers", need="a column of levels")
    coding = given.coding
    real = in_memory(given.real, coding)
    sets = [in_memory(one, coding) for one in given.sets]
    holdout = None if given.holdout is None else in_memory(given.holdout, coding)
    findings = [*given.findings, *_of_holdout(real, holdout)]
    left_out: list[str] = []
    most = max(given.schema.n, *given.schema.k)
    if most > MOST_ROWS:
        left_out.append(
            f"rows beyond {MOST_ROWS:,} of a table, but by tables of counts, copies and keys: others are measured on "
            "evenly chosen rows"
        )
    if holdout is not None and holdout.weights is None and real.weights is not None:
        findings.append(Event("unweighted_holdout", "", "the holdout has no weights; its rows count as one each"))
    figures: list[Figure] = []
    cells = len(coding.columns) * (given.schema.n + sum(given.schema.k))
    with opened(client, threads, shown=cells > SHOWN) as tasks:
        whole = Subset(real, sets, holdout, streams_of(seed, about), tasks)
        for name, subset in _subsets(whole, by, seed, about, left_out):
            found, lacking = measure(subset)
            figures += [replace(one, group=name) for one in found]
            left_out += [text for text in lacking if text not in left_out]
    said: dict[str, object] = {"n": given.schema.n, "k": given.schema.k[0], "m": len(sets), "holdout": given.held}
    said |= {"by": by, "effort": effort, "seed": seed, "columns": len(coding.columns), **settings}
    return Evaluation(about, judged(figures), tuple(findings), tuple(left_out), said)


def known_columns(given: Inputs, what: str, names: Sequence[str]) -> None:
    """Refuse names that are no columns of both tables.

    Raises
    ------
    SpecError
        With the nearest name.
    """
    known = list(given.coding.names)
    for name in names:
        if name not in known:
            raise SpecError(
                f"{what} names {name!r}, which is no column that both tables have{nearest(str(name), known)}",
                need=f"some of {', '.join(known[:20])}",
            )


def _subsets(whole: Subset, by: str | None, seed: int, about: str, left_out: list[str]) -> Iterator[tuple[str, Subset]]:
    yield "", whole
    if by is None:
        return
    at = whole.real.coding.names.index(by)
    levels = whole.real.coding.columns[at].levels
    small = 0
    for code, level in enumerate(levels):
        parts = [one.take(one.groups[:, at] == code) for one in (whole.real, *whole.sets)]
        if min(map(len, parts)) < SMALLEST:
            small += 1
            continue
        held = None if whole.holdout is None else whole.holdout.take(whole.holdout.groups[:, at] == code)
        rest = [name for name in whole.real.coding.names if name != by]
        real, *sets = (one.only(rest) for one in parts)
        kept = None if held is None or len(held) < SMALLEST else held.only(rest)
        yield f"{by} = {level}", Subset(real, sets, kept, streams_of(seed, about, by, code), whole.tasks, whole=False)
    if small:
        left_out.append(f"{small} groups of {by} with fewer than {SMALLEST} rows in one of the tables")


def _of_holdout(real: Rows, holdout: Rows | None) -> list[Event]:
    """Whether rows of the holdout are rows of the real table: then they were synthesized too."""
    if holdout is None:
        return []
    ours, theirs = (one.cells.view([("", one.cells.dtype)] * one.cells.shape[1]).ravel() for one in (real, holdout))
    _, counts = np.unique(ours, return_counts=True)
    same = int(np.isin(theirs, ours).sum())
    expected = float(counts[counts > 1].sum()) / len(ours) * len(theirs)
    # As many as a fresh sample has by chance are no reason for doubt.
    if same <= expected + 4 * np.sqrt(expected) + 1:
        return []
    said = (
        f"{same:,} of {len(theirs):,} rows of the holdout are rows of the real table, where about {expected:,.0f} are "
        "expected; if they were synthesized too, what is disclosed seems less than it is"
    )
    return [Event("holdout_overlaps", "", said, "warning")]
