"""The six kinds of column that the engine knows."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    """What a column measures, which decides how it is modelled.

    `continuous`, `count` and `date` are numeric: their values have an order and a distance. `ordered`, `nominal` and
    `binary` are categorical: they have levels, and of these only `ordered` levels stand in a meaningful order.
    """

    CONTINUOUS = "continuous"
    COUNT = "count"
    ORDERED = "ordered"
    NOMINAL = "nominal"
    BINARY = "binary"
    DATE = "date"

    @property
    def is_numeric(self) -> bool:
        """Whether values have a distance (continuous, count, date)."""
        return self in _NUMERIC

    @property
    def is_categorical(self) -> bool:
        """Whether values are levels (ordered, nominal, binary)."""
        return self not in _NUMERIC


_NUMERIC = frozenset({Kind.CONTINUOUS, Kind.COUNT, Kind.DATE})
