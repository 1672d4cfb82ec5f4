"""Common ground of utility and disclosure: both tables on one coding, figures beside their baselines, and the verdict.

`schema` finds what the columns of the real table and of the sets are, whoever made them; `rows` gives the arrays that
measures take; `baseline` draws what a second real sample would show; `figure` sets a number beside it; `result` is what
`rp.utility` and `rp.disclosure` return.
"""

from __future__ import annotations

from replicant.evaluation.figure import Figure, against_draws, against_rate, judged, plain
from replicant.evaluation.result import Evaluation
from replicant.evaluation.rows import CodedColumn, Coding, Rows
from replicant.evaluation.schema import Schema, compare_schemas

__all__ = [
    "CodedColumn",
    "Coding",
    "Evaluation",
    "Figure",
    "Rows",
    "Schema",
    "against_draws",
    "against_rate",
    "compare_schemas",
    "judged",
    "plain",
]
