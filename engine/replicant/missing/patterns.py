"""Patterns of missing cells: which columns are missing together, and in how many rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from replicant.missing.cells import Mask, missing_and_observed, variables
from replicant.table import Table
from replicant.view.figures import share

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MissingPatterns", "missing_patterns"]

MOST = 12  # patterns, and columns, that a notebook shows


@dataclass(frozen=True, eq=False, repr=False)
class MissingPatterns:
    """The patterns of missing cells of a table (van Buuren 2018, section 4.1).

    Attributes
    ----------
    columns
        The columns of the table that measure something.
    missing
        (patterns, columns) bool: what is missing in each pattern, the most frequent pattern first.
    rows
        (patterns,) how many rows have it.
    """

    columns: tuple[str, ...]
    missing: Mask
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]

    @property
    def n(self) -> int:
        """Number of rows of the table."""
        return int(self.rows.sum())

    @property
    def complete(self) -> int:
        """Number of rows without a missing cell."""
        return int(self.rows[~self.missing.any(axis=1)].sum())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """pattern (1, 2 ...), rows, share, n_missing (how many columns are missing) and missing (their names)."""
        import pandas as pd

        return pd.DataFrame(
            {
                "pattern": np.arange(1, len(self.rows) + 1),
                "rows": self.rows,
                "share": self.rows / max(1, self.n),
                "n_missing": self.missing.sum(axis=1),
                "missing": [tuple(self._names(pattern)) for pattern in self.missing],
            }
        )

    @cached_property
    def matrix(self) -> pd.DataFrame:
        """A row for each pattern and a column for each column: whether it is missing."""
        import pandas as pd

        index = pd.RangeIndex(1, len(self.rows) + 1, name="pattern")
        return pd.DataFrame(self.missing, index=index, columns=pd.Index(self.columns))

    def _names(self, pattern: Mask) -> list[str]:
        return [self.columns[j] for j in np.flatnonzero(pattern)]

    def _facts(self) -> str:
        patterns = f"{len(self.rows):,} pattern{'s' if len(self.rows) != 1 else ''}"
        return f"{self.n:,} rows, {self.complete:,} of them complete; {patterns}"

    def _lines(self, most: int) -> list[tuple[str, str, str]]:
        """Rows, share, and what is missing, of the most frequent patterns."""
        kinds = zip(self.rows[:most].tolist(), self.missing[:most], strict=True)
        return [
            (f"{rows:,}", share(rows / max(1, self.n)), ", ".join(self._names(pattern)) or "none")
            for rows, pattern in kinds
        ]

    def _more(self, most: int) -> list[str]:
        left = len(self.rows) - most
        rest = int(self.rows[most:].sum())
        words = f"{left:,} more pattern{'s' if left != 1 else ''}, of {rest:,} row{'s' if rest != 1 else ''} in all"
        return [f"{words}: see `.frame`"] if left > 0 else []

    def __repr__(self) -> str:
        return f"<MissingPatterns: {self._facts()}>"

    def __str__(self) -> str:
        lines = self._lines(MOST)
        wide = max([4, *(len(rows) for rows, *_ in lines)])
        body = [f"{rows:>{wide}}  {part:>7}  {names}" for rows, part, names in lines]
        return "\n".join([self._facts(), f"{'rows':>{wide}}  {'share':>7}  missing", *body, *self._more(MOST)])

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        body = [(str(i), *line) for i, line in enumerate(self._lines(MOST), 1)]
        table = rows(("pattern", "rows", "share", "missing columns"), body, right=(1, 2), long=(3,))
        return fragment("Patterns of missing cells", self._facts(), table, notes(self._more(MOST)))


def missing_patterns(table: Table, not_applicable: Mask | None = None) -> MissingPatterns:
    """Count the patterns of missing cells.

    Parameters
    ----------
    table
        An encoded table; a coded missing value is missing.
    not_applicable
        (n, p) cells that are empty by design: they do not count as missing.

    References
    ----------
    van Buuren, S. (2018). *Flexible Imputation of Missing Data*, 2nd edition, section 4.1. Chapman & Hall/CRC.
    """
    missing, _ = missing_and_observed(table, not_applicable)
    packed = np.packbits(missing, axis=1)
    if not packed.shape[1]:
        packed = np.zeros((table.n, 1), dtype=np.uint8)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, rows = np.unique(keys, return_index=True, return_counts=True)
    found = missing[first]
    # The most frequent first; of equals the one with fewer missing cells, then by the order of the columns.
    order = np.lexsort((*(~found.T[::-1]), found.sum(axis=1), -rows))
    return MissingPatterns(variables(table), found[order], rows[order].astype(np.int64))
