"""What is known of the sets of a run beside their rows: the chains that they come from, and how often donors repeat.

Accounts of several sets and partitions are put together where the release is finished, and become events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from replicant.events import Event
from replicant.fcs.canaries import CanaryCounts, total
from replicant.fcs.trace import Trace, by_imputation, trace_events
from replicant.methods import Touched

if TYPE_CHECKING:
    from replicant.fcs.drawing import Drawn
    from replicant.plan.model import Plan

__all__ = [
    "NOTHING",
    "Account",
    "DonorCounts",
    "account_events",
    "account_of",
    "chains_of",
    "combined",
    "donors_of",
    "facts_of",
    "touched_of",
]


@dataclass(frozen=True, slots=True)
class DonorCounts:
    """Cells and their donors, where a record may donate to so many cells of a row only.

    Attributes
    ----------
    cells
        How many have a donor.
    repeated
        In how many of them the leaf held records only that had donated to the row as often as they may.
    """

    cells: int
    repeated: int

    def __add__(self, other: DonorCounts) -> DonorCounts:
        return DonorCounts(self.cells + other.cells, self.repeated + other.repeated)


@dataclass(frozen=True, eq=False, repr=False)
class Account:
    """What is known of one set, or of several, beside the rows.

    Attributes
    ----------
    trace
        The chain that filled missing cells, and what methods noted; None if they were kept and nothing was noted, or
        another account has it.
    donors
        How often donors came again; None if that was not avoided.
    redrawn
        Draws of rows that were needed once more to keep the rules.
    canaries
        What was found of planted canaries; None if there were none.
    touched
        By column, what protecting the donors of its trees changed, in the sets in which that was counted.
    """

    trace: Trace | None = None
    donors: DonorCounts | None = None
    redrawn: int = 0
    canaries: CanaryCounts | None = None
    touched: Mapping[str, Touched] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For a record of an interrupted run."""
        return {
            "trace": None if self.trace is None else self.trace.as_dict(),
            "donors": None if self.donors is None else asdict(self.donors),
            "redrawn": self.redrawn,
            "canaries": None if self.canaries is None else asdict(self.canaries),
            "touched": {name: asdict(one) for name, one in self.touched.items()},
        }

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Account:
        """From a record."""
        trace, donors, canaries = said["trace"], said["donors"], said["canaries"]
        return cls(
            None if trace is None else Trace.of(trace),
            None if donors is None else DonorCounts(**donors),
            said["redrawn"],
            None if canaries is None else CanaryCounts(**canaries),
            {name: Touched(**one) for name, one in said["touched"].items()},
        )


NOTHING = Account()


def account_of(drawn: Drawn, imputation: int, plan: Plan) -> Account:
    """What is known of one set of one partition.

    Its chain is in the account of the first set that comes from it, and notes of fits in that of the first set that has
    them.
    """
    if imputation % plan.syntheses or (plan.shares_fits and imputation):
        return Account(donors=drawn.donors, redrawn=drawn.redrawn)  # nothing was fitted
    notes = {(0, column, word): 1 for column, word in drawn.notes}
    trace = Trace.of_set(imputation, notes) if notes else None
    if drawn.completed is not None:
        chain = drawn.completed.trace
        trace = replace(chain, notes={**notes, **chain.notes})
    return Account(trace, drawn.donors, drawn.redrawn, touched=drawn.touched)


def chains_of(accounts: Iterable[Account]) -> list[Trace]:
    """Chains and notes of sets, those of several partitions together."""
    return by_imputation(one.trace for one in accounts if one.trace is not None)


def donors_of(accounts: Iterable[Account]) -> DonorCounts | None:
    """How often donors came again in all sets together; None if that was not avoided."""
    counts = [one.donors for one in accounts if one.donors is not None]
    return reduce(DonorCounts.__add__, counts) if counts else None


def touched_of(accounts: Iterable[Account]) -> dict[str, Touched]:
    """By column, what protecting the donors of trees changed, in all sets in which that was counted."""
    sums: dict[str, Touched] = {}
    for account in accounts:
        for name, one in account.touched.items():
            sums[name] = sums[name] + one if name in sums else one
    return sums


def facts_of(accounts: Iterable[Account]) -> dict[str, Any]:
    """What the internal manifest says of sets: chains, donors, leaves that protect, canaries; where there are any."""
    known = list(accounts)
    donors, canaries = donors_of(known), total(one.canaries for one in known)
    facts = {
        "chains": [trace.as_dict() for trace in chains_of(known) if trace.fits],
        "donors": None if donors is None else asdict(donors),
        "protection": {name: one.as_row() for name, one in touched_of(known).items()},
        "canaries": None if canaries is None else asdict(canaries),
    }
    return {name: fact for name, fact in facts.items() if fact}


def combined(accounts: Iterable[Account]) -> list[Account]:
    """One account for each chain number, the first of which holds all counts."""
    known = list(accounts)
    redrawn, canaries = sum(one.redrawn for one in known), total(one.canaries for one in known)
    first = Account(None, donors_of(known), redrawn, canaries, touched_of(known))
    return [first, *(Account(trace) for trace in chains_of(known))]


def touched_event(touched: Mapping[str, Touched]) -> Event:
    """What protecting the donors of trees changed, in shares; of a release anybody may read it."""
    every = reduce(Touched.__add__, touched.values())
    most = max(touched, key=lambda name: touched[name].rows_short / touched[name].rows)
    if not every.rows_short:
        return Event("leaves_protected", "", "every leaf of the first set's trees protects its donors as it is")
    counts = {
        "hold too few records": every.few_records,
        "too few values": every.few_values,
        "are dominated": every.dominated,
    }
    why = ", ".join(f"{count / every.leaves:.1%} {reason}" for reason, count in counts.items() if count)
    shares = every.rows_short / every.rows, touched[most].rows_short / touched[most].rows
    text = (
        f"of the leaves that the first set's trees would have, {why}: larger leaves hold these {shares[0]:.1%} of the "
        f"rows; of {most} {shares[1]:.1%}"
    )
    return Event("leaves_protected", "", text)


def account_events(accounts: Sequence[Account], plan: Plan) -> list[Event]:
    """What became of the chains, and of the limit on donors.

    Parameters
    ----------
    accounts
        Of all sets and partitions.
    plan
        What was done.
    """
    events = trace_events(chains_of(accounts))
    counts = donors_of(accounts)
    if counts is not None and counts.repeated:
        often = "" if plan.donors == 1 else f" {plan.donors} times"
        text = (
            f"in {counts.repeated:,} of {counts.cells:,} drawn cells ({counts.repeated / counts.cells:.2%}) the leaf "
            f"held no record but those that had donated to the row{often} before: one of them donated again"
        )
        events.append(Event("repeated_donors", "", text))
    if plan.rules:
        redrawn = sum(one.redrawn for one in accounts)
        again = f"; {redrawn:,} rows were drawn once more for that" if redrawn else ""
        rows = f"all {plan.k * plan.m:,} synthetic rows"
        events.append(Event("rules_kept", "", f"every rule was checked in {rows}: none is broken{again}"))
    touched = touched_of(accounts)
    if touched:
        events.append(touched_event(touched))
    canaries = total(one.canaries for one in accounts)
    if canaries is not None and canaries.removed:
        text = f"{canaries.removed} rows that equalled a planted canary are replaced by other rows of their set"
        events.append(Event("canaries_removed", "", text))
    return events
