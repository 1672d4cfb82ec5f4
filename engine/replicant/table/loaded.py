"""A table as it was read: its rows, and what its file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from replicant.events import Event
from replicant.table.codebook import ColumnSpec

__all__ = ["Loaded"]


@dataclass(frozen=True, eq=False, repr=False)
class Loaded:
    """What a reader gives.

    Attributes
    ----------
    frame
        The rows, in types that can be encoded.
    codebook
        What the file itself says of its columns (value labels, missing codes, variable labels), by column; empty for
        formats that say nothing. What the user declares goes before it.
    events
        What was recognised or kept as it is and should be known: the delimiter of a text file, codes with leading
        zeros.
    """

    frame: pd.DataFrame
    codebook: Mapping[str, ColumnSpec] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
