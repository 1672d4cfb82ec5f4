"""Which cells a call of mice replaces: missing ones, observed ones, or both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from replicant.errors import SpecError
from replicant.spec.r_settings import Settings

__all__ = ["Cells"]


class Cells:
    """`where`, beside what is known of missing cells.

    Attributes
    ----------
    notes
        What differs.
    """

    def __init__(self, found: Settings, missing: Mapping[str, Sequence[bool]] | None) -> None:
        self.found = found
        self.where = found.where
        self.missing = missing
        self.notes: list[str] = []
        if missing is not None and self.where is not None:
            for name, mask in self.where.items():
                if name in missing and len(missing[name]) != len(mask):
                    raise SpecError(
                        f"where has {len(mask)} rows for a table of {len(missing[name])}", need="one for each row"
                    )
        self._imputes = self._decide()

    def imputes(self) -> bool:
        """Whether nothing but missing cells is replaced."""
        return self._imputes

    def count_missing(self, name: str) -> int | None:
        """How many cells of a column are missing; None if that is not known."""
        if self.missing is not None:
            return sum(map(bool, self.missing[name])) if name in self.missing else None
        return None if self.found.missing is None else self.found.missing.get(name)

    def untouched(self, name: str) -> bool:
        """Whether `where` selects no cell of a column that has cells to select."""
        if self.where is None or any(self.where.get(name, (True,))):
            return False
        return not (self._imputes and self.count_missing(name) == 0)

    def masks(self, drawn: Collection[str]) -> dict[str, list[bool]]:
        """Masks of columns, if some select others than all cells that could be: all, or all missing ones."""
        if self.where is None:
            return {}
        partly = [name for name in drawn if name in self.where and not self._whole(name)]
        if not partly:
            return {}
        self.notes.append(
            "where: a mask holds for the table that it was made of, row by row. A rule says what it means, such as "
            'where: ["income > p99"].'
        )
        return {name: [bool(cell) for cell in self.where[name]] for name in drawn if name in self.where}

    def complete(self, drawn: Collection[str]) -> bool:
        """Whether missing cells are known of, and replaced along with observed ones."""
        if self.where is None or self._imputes or not any(self.count_missing(name) for name in drawn):
            return False
        if self.missing is None:
            return all(all(self.where[name]) for name in drawn if name in self.where and self.count_missing(name))
        return all(
            cell or not gone
            for name in drawn
            if name in self.where and name in self.missing
            for cell, gone in zip(self.where[name], self.missing[name], strict=True)
        )

    def _whole(self, name: str) -> bool:
        mask = (self.where or {})[name]
        if not self._imputes:
            return all(mask)
        if self.missing is not None and name in self.missing:
            return all(map(bool.__eq__, map(bool, mask), map(bool, self.missing[name])))
        return sum(mask) == self.count_missing(name)

    def _decide(self) -> bool:
        if self.found.package != "mice":
            return False
        if self.where is None:
            return True
        if self.missing is not None:
            return not any(
                cell and not gone
                for name, mask in self.where.items()
                if name in self.missing
                for cell, gone in zip(mask, self.missing[name], strict=True)
            )
        if self.found.missing is not None:
            counts = self.found.missing
            return all(sum(mask) <= counts.get(name, 0) for name, mask in self.where.items())
        if not any(all(mask) for mask in self.where.values()):
            self.notes.append(
                "where: if the cells that it selects are the missing ones, mice imputes them, and this job does not. "
                "Give the table by --data, or nmis = as.list(imp$nmis) with the settings, and it is seen."
            )
        return False
