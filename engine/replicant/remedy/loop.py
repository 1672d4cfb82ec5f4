"""Trying remedies in turn until the gate passes a release, or none helps.

    judge ──> a remedy that treats what failed ──> draw or change ──> judge ──> keep it, or take it back

Each remedy has a ladder: steps that protect more and more. What was tried, kept or not, is a `Step` of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Generic, TypeVar

from replicant.errors import SpecError
from replicant.remedy.ladders import LADDERS, Situation
from replicant.report.gate_rows import remedy_line

__all__ = ["Made", "Outcome", "Step", "Treatment", "treat"]

MOST_STEPS = 12
"""Steps of a loop: each draws or changes all sets, and judges them."""

UTILITY = ("s_pmse_logit", "k_marginal")
"""Figures of utility that a step is recorded with."""

TOLERANCE = 0.01
"""Relative change of a figure that is none."""

Sets = TypeVar("Sets")


@dataclass(frozen=True)
class Treatment:
    """How sets differ from those that the job asks for.

    Attributes
    ----------
    settings
        Of the synthesis, that protect more than those of the job.
    rows
        What is done to drawn rows, in this order: `swap`, `remove`.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.settings or self.rows)


@dataclass(frozen=True)
class Step:
    """One step of the loop, as the record has it.

    Attributes
    ----------
    step
        From 1.
    remedy, what
        Its name, and what was done in a sentence.
    kept
        Whether it helped; what did not is taken back.
    cost
        What the remedy costs, in a sentence.
    rows_changed, cells_changed
        Over all sets. Where all was drawn anew, all of them.
    failed_before, failed_after
        Names of the checks that failed.
    utility
        Figures before and after, by name.
    """

    step: int
    remedy: str
    what: str
    kept: bool
    cost: str
    rows_changed: int
    cells_changed: int
    failed_before: tuple[str, ...]
    failed_after: tuple[str, ...]
    utility: Mapping[str, tuple[float, float]]

    def text(self) -> str:
        """A line for the terminal."""
        return remedy_line(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """For the record."""
        found = asdict(self)
        found["utility"] = {name: {"before": a, "after": b} for name, (a, b) in self.utility.items()}
        return found | {key: list(found[key]) for key in ("failed_before", "failed_after")}


@dataclass(frozen=True)
class Made(Generic[Sets]):
    """Sets under a treatment.

    Attributes
    ----------
    sets
        They, or where they are.
    rows_changed, cells_changed
        By remedies of rows, over all sets; of a new draw, all rows and cells.
    """

    sets: Sets
    rows_changed: int
    cells_changed: int


@dataclass(frozen=True)
class Outcome(Generic[Sets]):
    """Where the loop ended.

    Attributes
    ----------
    sets, verdict
        The sets that stand at the end, and what the gate says of them.
    treatment
        How they differ from those that were asked for.
    steps
        All that was tried, kept or not.
    """

    sets: Sets
    verdict: Any
    treatment: Treatment
    steps: tuple[Step, ...]


def treat(
    first: Sets,
    verdict: Any,
    remedies: Sequence[str],
    situation: Situation,
    *,
    make: Callable[[Treatment], Made[Sets]],
    judge: Callable[[Sets], Any],
    note: Callable[[str], None] = lambda line: None,
) -> Outcome[Sets]:
    """Try remedies until the gate passes, or none helps.

    Parameters
    ----------
    first, verdict
        The sets that the job asks for, and what the gate says of them.
    remedies
        Names, in the order in which they are tried.
    situation
        What ladders hang on: the tier's numbers, and the columns.
    make
        Sets under a treatment. The same treatment gives the same sets.
    judge
        Their verdict.
    note
        Takes a line on each step.

    Returns
    -------
    Outcome
    """
    best, treatment = first, Treatment()
    steps: list[Step] = []
    rungs = dict.fromkeys(remedies, 0)
    waiting = list(remedies)
    while waiting and not verdict.passed and len(steps) < MOST_STEPS:
        name = waiting[0]
        ladder = LADDERS[name]
        rung = ladder.rung(rungs[name], situation) if ladder.treats & set(verdict.failed) else None
        if rung is None:
            waiting.pop(0)
            continue
        rungs[name] += 1
        tried = replace(
            treatment,
            settings={**treatment.settings, **rung.settings},
            rows=treatment.rows if rung.rows in (None, *treatment.rows) else (*treatment.rows, str(rung.rows)),
        )
        try:
            made = make(tried)
        except SpecError as error:
            note(f"{name} is left out: {error.found}")
            waiting.pop(0)
            continue
        after = judge(made.sets)
        kept = _better(verdict, after)
        before, now = utility_of(verdict), utility_of(after)
        step = Step(
            step=len(steps) + 1,
            remedy=name,
            what=rung.what,
            kept=kept,
            cost=ladder.cost,
            rows_changed=made.rows_changed,
            cells_changed=made.cells_changed,
            failed_before=tuple(verdict.failed),
            failed_after=tuple(after.failed),
            utility={one: (before[one], now[one]) for one in before if one in now},
        )
        steps.append(step)
        note(step.text())
        if kept:
            best, verdict, treatment = made.sets, after, tried
    return Outcome(best, verdict, treatment, tuple(steps))


def _better(before: Any, after: Any) -> bool:
    """Whether fewer checks fail; or the same ones, one of them by less and none by more."""
    if len(after.failed) != len(before.failed):
        return len(after.failed) < len(before.failed)
    if set(after.failed) != set(before.failed):
        return False
    change = [_excess(after[name]) / max(_excess(before[name]), 1e-12) - 1 for name in before.failed]
    return min(change) < -TOLERANCE and max(change) <= TOLERANCE


def _excess(check: Any) -> float:
    """By how much a check that fails is beyond its limit."""
    bound = check.high if check.end == "high" and check.value <= check.limit else check.value
    return abs(float(bound) - float(check.limit))


def utility_of(verdict: Any) -> dict[str, float]:
    """Figures of the utility of all columns together, for the record of a step."""
    found = {} if verdict.utility is None else {one.measure: one.value for one in verdict.utility.figures if not one.of}
    return {name: found[name] for name in UTILITY if name in found}
