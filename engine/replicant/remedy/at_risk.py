"""Which synthetic rows show a real record: known by the hashes of real rows, whatever partition they are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.disclosure.combinations import Counts, combine, count, keys_of
from replicant.disclosure.tally import Questions
from replicant.estimate.partitions import partitioned
from replicant.table.arrays import Floats

if TYPE_CHECKING:
    from replicant.analysis import Data
    from replicant.evaluation.rows import Coding, Integers, Rows

__all__ = ["RealRecords"]

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RealRecords:
    """The real records of which there is only one, as hashes: no cell is held.

    Attributes
    ----------
    questions
        What an intruder knows (keys) and wants (targets); no keys: whole rows only.
    rows
        (u,) int64, ascending: real rows that no other real row equals.
    answers
        By target, (v,) int64, ascending: keys that one real record has, with its value of the target.
    """

    questions: Questions
    rows: Integers
    answers: tuple[Integers, ...] = ()

    @classmethod
    def of(cls, data: Data, coding: Coding, keys: Sequence[str] = (), targets: Sequence[str] = ()) -> RealRecords:
        """Count the rows of a table, partition by partition.

        Parameters
        ----------
        data
            The real table.
        coding
            Of all tables.
        keys, targets
            What an intruder knows, and wants to know.
        """
        questions = Questions(tuple(keys), tuple(targets) if keys else ())
        found = partitioned(data).reduce(partial(_counted, coding=coding, questions=questions), _together)
        whole, known, *answers = found
        alone = known.keys[known.counts == 1] if known is not None else np.empty(0, np.int64)
        of_one = tuple(_crossed(one)[np.isin(one.keys, alone)] for one in answers if one is not None)
        return cls(questions, whole.keys[whole.counts == 1], tuple(np.sort(one) for one in of_one))  # type: ignore[union-attr]

    def copies(self, rows: Rows) -> Mask:
        """(n,) rows that equal a real record of which there is only one."""
        return _among(keys_of(rows.cells), self.rows)

    def disclosing(self, rows: Rows) -> Mask:
        """(n,) rows with keys that only one real record has, and with its value of a target."""
        found = np.zeros(len(rows), dtype=np.bool_)
        if not self.questions.keys:
            return found
        _, keys = self.questions.codes(rows)
        wanted = rows.only(self.questions.targets).groups.astype(np.int64)
        for j, known in enumerate(self.answers):
            found |= _among(keys_of(np.column_stack([keys, wanted[:, j]])), known)
        return found


def _counted(
    frame: pd.DataFrame, weights: Floats | None, *, coding: Coding, questions: Questions
) -> tuple[Counts | None, ...]:
    rows = coding.rows(frame)
    whole = count(keys_of(rows.cells))
    if not questions.keys:
        return whole, None
    _, keys = questions.codes(rows)
    wanted = rows.only(questions.targets).groups.astype(np.int64)
    return whole, count(keys), *(count(keys, wanted[:, j]) for j in range(wanted.shape[1]))


def _together(one: tuple[Counts | None, ...], other: tuple[Counts | None, ...]) -> tuple[Counts | None, ...]:
    pairs = zip(one, other, strict=True)
    return tuple(None if a is None or b is None else combine([a, b]) for a, b in pairs)


def _crossed(counts: Counts) -> Integers:
    assert counts.targets is not None
    return keys_of(np.column_stack([counts.keys, counts.targets]))


def _among(keys: Integers, known: Integers) -> Mask:
    at = np.minimum(np.searchsorted(known, keys), max(len(known) - 1, 0))
    return known[at] == keys if len(known) else np.zeros(len(keys), dtype=np.bool_)
