"""`rp.synthesize`: a table in, m synthetic tables out.

call.py          the call itself, for tables in memory
partitioned.py   tables in partitions, whose sets stay where they were drawn
result.py        what the call gives
"""

from __future__ import annotations

from replicant.synthesis.call import Data, encode, source_of, synthesize
from replicant.synthesis.result import Synthesis

__all__ = ["Data", "Synthesis", "encode", "source_of", "synthesize"]
