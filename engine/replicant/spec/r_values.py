"""Values of settings of R, by the names of a table's columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from replicant.errors import SpecError, nearest
from replicant.spec.r_files import as_vector

__all__ = ["Values", "near", "whole"]


def near(word: str, known: Iterable[str]) -> str:
    """A word that is nearly a known one, with that one. Others are not repeated: a file may be a table by mistake."""
    hint = nearest(word, known)
    return f"{word[:60]!r}{hint}" if hint else "something else"


class Values:
    """Settings of one call, and how single ones are read.

    Attributes
    ----------
    given
        By R's names.
    names
        Columns of the table.
    blocks
        Columns by block; a block of one column may be left out.
    """

    given: dict[str, Any]
    names: tuple[str, ...]
    blocks: dict[str, list[str]]

    def spread(self, by_block: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of blocks, for their columns."""
        return {name: value for block, value in by_block.items() for name in self.blocks.get(block, [block])}

    def by_name(self, key: str) -> dict[str, Any]:
        """A vector by the names of columns."""
        vector = as_vector(self.given[key], key)
        if isinstance(vector, dict):
            vector = self.spread(vector)
            self.check_names(vector, key)
            return vector
        if len(vector) != len(self.names):
            raise SpecError(
                f"{key} has {len(vector)} values for {len(self.names)} columns", need="a value for each column"
            )
        return dict(zip(self.names, vector, strict=True))

    def check_names(self, named: Iterable[str], what: str) -> None:
        for name in named:
            if name not in self.names:
                raise SpecError(
                    f"{what} names something that is not a column: {near(name, self.names)}",
                    need=f"the columns {', '.join(self.names[:20])}{' ...' if len(self.names) > 20 else ''}",
                )

    def lists(self, key: str) -> dict[str, list[Any]]:
        """Several values by column, or columns alone."""
        value = self.given.get(key)
        if isinstance(value, Mapping):
            found = {str(name): one if isinstance(one, list) else [one] for name, one in value.items()}
        else:
            found = {str(one): [] for one in (value if isinstance(value, list) else [value]) if not _absent(one)}
        found = {name: [one for one in values if not _absent(one)] for name, values in found.items()}
        self.check_names(found, key)
        return found

    def scalar(self, key: str, default: Any) -> Any:
        value = self.given.get(key, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return default if _absent(value) or value == "sample" else value

    def count(self, key: str, default: int | None) -> int | None:
        value = self.scalar(key, default)
        if value is None:
            return None
        return whole(value, key)

    def number(self, key: str) -> float | None:
        value = self.scalar(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise SpecError(f"{key} is not a number", need="a number")
        return float(value)


def whole(value: Any, what: str) -> int:
    """A count, from JSON or from CSV."""
    try:
        count = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        count = math.nan
    if not (count >= 0 and count.is_integer()):
        raise SpecError(f"{what} is not a whole number", need="a whole number")
    return int(count)


def _absent(value: Any) -> bool:
    """What R writes for nothing: NULL, NA, an empty text."""
    return value is None or (isinstance(value, str) and value in {"", "NA"})
