"""A table as it was read: its rows, and what its file says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from replicant.events import Event
from replicant.table.codebook import ColumnSpec, as_specs

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
        What was recognised, or kept as it is, and should be known: the delimiter of a text file, codes with leading
        zeros.
    """

    frame: pd.DataFrame
    codebook: Mapping[str, ColumnSpec] = field(default_factory=dict)
    events: tuple[Event, ...] = ()

    def declared(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]]) -> dict[str, ColumnSpec]:
        """What is known of columns before their cells are looked at: what the user says, key by key before the file.

        Parameters
        ----------
        columns
            What the user says. A column made from another (`source`) takes over what the file says of that one.

        Raises
        ------
        SpecError
            A key or a value in it is not known.
        """
        said = as_specs(columns)
        sources = {spec.source for spec in said.values() if spec.source is not None}
        known = {name: spec for name, spec in self.codebook.items() if name in said or name not in sources}
        for name, spec in said.items():
            own = self.codebook.get(spec.source or name, ColumnSpec())
            known[name] = own.model_copy(update={key: getattr(spec, key) for key in spec.model_fields_set})
        return known

    def by_file(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]]) -> frozenset[str]:
        """Columns whose kind or levels the file says, and the user does not."""
        said = as_specs(columns)
        silent = {name for name, spec in said.items() if spec.kind is None and spec.levels is None}
        return frozenset(name for name in self.codebook if name not in said or name in silent)
