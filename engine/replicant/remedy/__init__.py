"""Remedies: what is done about a release that the gate withholds, and how it is judged again.

Two kinds. Some draw all sets anew with settings that protect more: `redraw`, `smooth`, `recode`, `top_code`. Others
change rows that were drawn and are at risk: `swap`, `remove`. `loop` tries them in turn.
"""

from replicant.remedy.at_risk import RealRecords
from replicant.remedy.loop import Made, Step, Treatment, treat
from replicant.remedy.rows import RowCounts, RowRemedies, Treated, row_counts, treat_rows

__all__ = [
    "Made",
    "RealRecords",
    "RowCounts",
    "RowRemedies",
    "Step",
    "Treated",
    "Treatment",
    "row_counts",
    "treat",
    "treat_rows",
]
