"""The kinds of column that the engine knows."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Kind"]


class Kind(StrEnum):
    """What a column measures, which decides how it is modelled.

    `continuous`, `count` and `date` are numeric: their values have an order and a distance. `ordered`, `nominal` and
    `binary` are categorical: they have levels, and of these only `ordered` levels stand in a meaningful order. An
    `identifier` measures nothing: its values tell records apart, and none of them may be released.
    """

    CONTINUOUS = "continuous"
    COUNT = "count"
    ORDERED = "ordered"
    NOMINAL = "nominal"
    BINARY = "binary"
    DATE = "date"
    IDENTIFIER = "identifier"

    @property
    def is_numeric(self) -> bool:
        """Whether values have a distance (continuous, count, date)."""
        return self in _NUMERIC

    @property
    def is_categorical(self) -> bool:
        """Whether values are levels (ordered, nominal, binary)."""
        return self in _CATEGORICAL


_NUMERIC = frozenset({Kind.CONTINUOUS, Kind.COUNT, Kind.DATE})
_CATEGORICAL = frozenset({Kind.ORDERED, Kind.NOMINAL, Kind.BINARY})
