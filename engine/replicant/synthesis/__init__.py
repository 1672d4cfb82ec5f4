"""`rp.synthesize`: a table in, m synthetic tables out.

call.py          the call itself, for tables in memory
partitioned.py   tables in partitions, whose sets stay where they were drawn
result.py        what the call gives
imputing.py      `rp.impute`: a table with missing cells in, m completed tables out
imputation.py    what that gives
"""

from __future__ import annotations

from replicant.synthesis.call import Data, encode, source_of, synthesize
from replicant.synthesis.imputation import Imputation
from replicant.synthesis.imputing import impute
from replicant.synthesis.result import Synthesis

__all__ = ["Data", "Imputation", "Synthesis", "encode", "impute", "source_of", "synthesize"]
