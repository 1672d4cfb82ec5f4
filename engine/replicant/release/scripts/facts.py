"""What a script for analysts must know of its release."""

from __future__ import annotations

from dataclasses import dataclass

from replicant.release.csv import Sheet

__all__ = ["Advice", "Facts"]


@dataclass(frozen=True, slots=True)
class Advice:
    """How to pool.

    Attributes
    ----------
    rules
        Names of the rules that hold, the one to take first; empty if none holds.
    why
        Why the first one holds, or why none does.
    warnings
        What makes its intervals less than exact.
    complete
        For `one_step`: whether all columns are synthesized throughout.
    columns
        The only columns of which a model may be pooled; None for all.
    """

    rules: tuple[str, ...]
    why: str
    warnings: tuple[str, ...] = ()
    complete: bool = True
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A release as a script sees it.

    Attributes
    ----------
    version
        Of Replicant.
    m, n, k
        Sets, real rows, rows of each set.
    missing
        What was done about missing cells, as the manifest says it.
    width
        Digits of the number in the folders' names.
    partitions
        Numbers of the files of each set.
    sheet
        What the columns are.
    csv
        Whether there are CSV files.
    advice
        How to pool.
    """

    version: str
    m: int
    n: int
    k: int
    missing: str
    width: int
    partitions: tuple[int, ...]
    sheet: Sheet
    csv: bool
    advice: Advice

    @property
    def missing_text(self) -> str:
        """What was done about missing cells, in words."""
        words = {"keep": "drawn like any other value, so a set has missing cells where the real data would have them"}
        return f"{words.get(self.missing, 'see the manifest')} (missing: {self.missing})"
