"""Remedies: what is done about a release that the gate withholds, and how it is judged again.

Two kinds. Some draw all sets anew with settings that protect more: `redraw`, `smooth`, `recode`, `top_code`. Others
change rows that were drawn and are at risk: `swap`, `remove`. `loop` tries them in turn.
"""

from replicant.remedy.at_risk import RealRecords
from replicant.remedy.ladders import (
    LADDERS,
    Situation,
    check_remedies,
    newly_recoded,
    situation_of,
    stronger,
    swappable,
)
from replicant.remedy.loop import Made, Outcome, Step, Treatment, treat
from replicant.remedy.rows import RowCounts, RowRemedies, TreatedRows, row_counts, treat_rows

__all__ = [
    "LADDERS",
    "Made",
    "Outcome",
    "RealRecords",
    "RowCounts",
    "RowRemedies",
    "Situation",
    "Step",
    "TreatedRows",
    "Treatment",
    "check_remedies",
    "newly_recoded",
    "row_counts",
    "situation_of",
    "stronger",
    "swappable",
    "treat",
    "treat_rows",
]
