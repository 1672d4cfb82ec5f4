"""`rp.treat`: remedies for what the gate withholds, tried in turn until it passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.evaluation.inputs import inputs
from replicant.gate.call import gate
from replicant.gate.limits import CHECKS
from replicant.gate.verdict import Verdict
from replicant.plan.recoding import recode_table
from replicant.remedy.at_risk import RealRecords
from replicant.remedy.counts import RowCounts
from replicant.remedy.ladders import check_remedies, check_work, newly_recoded, situation_of, stronger, swappable
from replicant.remedy.loop import Made, Step, Treatment, treat
from replicant.remedy.rows import RowRemedies
from replicant.synthesis.call import draw
from replicant.synthesis.result import Synthesis, say

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Treated", "treat_synthesis"]


@dataclass(frozen=True, eq=False, repr=False)
class Treated:
    """A synthesis after remedies, and how it came to be.

    Attributes
    ----------
    synthesis
        The sets.
    verdict
        What the gate says of them.
    treatment
        How they differ from those that were given.
    steps
        All that was tried, kept or not.
    """

    synthesis: Synthesis
    verdict: Verdict
    treatment: Treatment
    steps: tuple[Step, ...]

    @property
    def passed(self) -> bool:
        """Whether the gate passes."""
        return self.verdict.passed

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each step: what was done, checks that fail, cells that were changed, figures of utility."""
        import pandas as pd

        rows = [step.as_dict() for step in self.steps]
        for row in rows:
            both = row.pop("utility").items()
            row |= {f"{name}_{when}": value for name, pair in both for when, value in pair.items()}
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return self.verdict.text()

    def _repr_html_(self) -> str:
        return self.verdict._repr_html_()


def treat_synthesis(
    real: Any,
    syn: Synthesis,
    remedies: str | Sequence[str] = ("redraw", "swap"),
    *,
    client: Any = None,
    threads: int | None = None,
    **judging: Any,
) -> Treated:
    """Try remedies on sets that the gate withholds, one after the other, until it passes or none helps.

    Parameters
    ----------
    real
        The real rows that were synthesized.
    syn
        What `rp.synthesize` made of them, in memory.
    remedies
        In the order in which they are tried. `redraw`: leaves of more records. `swap`: cells of rows at risk are
        exchanged with rows like them. `smooth`: numbers near those of donors. `recode`: rare levels are merged.
        `top_code`: numbers stop where few records are beyond. `remove`: rows at risk are left out, which tells that
        they were there.
    client, threads
        As of `rp.synthesize`.
    judging
        Arguments of `rp.gate`: `tier`, `holdout`, `keys`, `targets`, `limits` and so on.

    Returns
    -------
    Treated
        `.synthesis`, `.verdict`, `.passed`, and `.frame`, what each step cost and brought.

    Raises
    ------
    SpecError
        A remedy is unknown, or the sets were not drawn here.

    References
    ----------
    Jiang, B., Raftery, A. E., Steele, R. J. and Wang, N. (2022). Balancing inferential integrity and disclosure risk
    via model targeted masking and multiple imputation. *JASA* 117, 52-66.
    """
    names = check_remedies([remedies] if isinstance(remedies, str) else remedies)
    if type(syn) is not Synthesis:  # sets of partitions, and completed tables, are drawn otherwise
        raise SpecError(
            f"the sets are a {type(syn).__name__}, which cannot be drawn again",
            need="what rp.synthesize made of a table in memory",
            fix="in a job say `gate: {remedy: [redraw, swap]}`",
        )
    backend = {"client": client, "threads": threads}

    def judge(sets: Synthesis) -> Verdict:
        return gate(real, sets, **backend, **judging)

    def make(treatment: Treatment) -> Made[Synthesis]:
        sets = syn
        if treatment.settings:
            spec = stronger(syn.spec, treatment.settings, syn.plan.seed)
            sets = draw(recode_table(syn.table, newly_recoded(spec, syn.spec)), spec, **backend)
        if not treatment.rows:
            rows = sets.m * sets.plan.k
            return Made(sets, rows, rows * len(sets.plan.columns))
        given = inputs(real, sets, judging.get("holdout"), columns=judging.get("columns"))
        records = RealRecords.of(given.real, given.coding, known.get("keys", ()), known.get("targets", ()))
        sets = sets._with(RowRemedies(treatment.rows, records, given.coding, swappable(sets.manifest), sets.plan.seed))
        counts = sets.row_counts or RowCounts()
        return Made(sets, counts.rows, counts.cells)

    verdict = judge(syn)
    known = verdict.disclosure.settings if verdict.disclosure is not None else {}
    donors = int(CHECKS["distinct_donors"].limits[verdict.tier] or 1)
    situation = situation_of(syn.manifest, donors, keys=bool(known.get("keys")))
    check_work(names, situation)
    found = treat(syn, verdict, names, situation, make=make, judge=judge, note=say)
    verdict = replace(found.verdict, remedies=tuple(step.as_dict() for step in found.steps))
    return Treated(found.sets, verdict, found.treatment, found.steps)
