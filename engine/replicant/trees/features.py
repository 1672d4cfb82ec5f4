"""The predictors of all trees on one table: codes, presorted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .streams import presort

__all__ = ["NO_RANKS", "Features", "encode_features"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]

_T = TypeVar("_T")


NO_RANKS = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
MOST_KEPT = 64


class Kept:
    """What was computed for the rows of a table, by what it is and by the rows' weights: of each kind the latest."""

    def __init__(self) -> None:
        self._found: dict[str, dict[Any, Any]] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()

    def of(self, kind: str, key: Any, make: Callable[[], _T]) -> _T:
        """What is known, or else is made now.

        Parameters
        ----------
        kind
            What it is.
        key
            (n,) weights of the rows; or None, or a number.
        make
            Makes it.
        """
        if isinstance(key, np.ndarray):
            key = blake2b(key.tobytes(), digest_size=16).digest()
        found = self._found.setdefault(kind, {})
        made: _T | None = found.get(key)
        if made is None:
            made = make()
            with self._lock:
                if len(found) >= MOST_KEPT:
                    del found[next(iter(found))]
                found[key] = made
        return made

    def clear(self) -> None:
        """Forget all: codes have changed."""
        self._found.clear()


@dataclass(frozen=True, eq=False, slots=True)
class Features:
    """F predictors of n rows, shared by every tree, bootstrap replicate and imputation.

    Attributes
    ----------
    codes
        (F, n) int32. Ordered predictors: dense ranks, -1 missing. Nominal ones: level codes, missing a level like any.
    order
        (F, n) int32: rows sorted by code, missing last.
    sizes
        (F,) int32: number of codes of each.
    nominal
        (F,) uint8: 1 where levels have no order.
    values
        The values of the codes, one predictor after the other: a cut between two codes lies at the midpoint.
    bases
        (F,) int64: where each predictor's values begin.
    levels
        The most that a nominal predictor has, and at least 1.
    kept
        What was computed from the codes and serves several fits; it stays where it was computed.
    """

    codes: Int32
    order: Int32
    sizes: Int32
    nominal: npt.NDArray[np.uint8]
    values: Float
    bases: npt.NDArray[np.int64]
    levels: int
    kept: Kept = field(default_factory=Kept, repr=False)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.codes.shape[1])

    def __len__(self) -> int:
        return int(self.codes.shape[0])

    def take(self, rows: npt.NDArray[Any]) -> Features:
        """The predictors of some of the rows.

        Parameters
        ----------
        rows
            Their positions.
        """
        codes = np.ascontiguousarray(self.codes[:, rows])
        order = np.empty(codes.shape, dtype=np.int32)
        for position, size in enumerate(self.sizes):
            presort(codes[position], np.zeros(size + 2, dtype=np.int64), order[position])
        return replace(self, codes=codes, order=order, kept=Kept())

    def copied(self) -> Features:
        """The same predictors, whose codes may be replaced."""
        return replace(self, codes=self.codes.copy(), order=self.order.copy(), kept=Kept())

    def recode(self, position: int, rows: npt.NDArray[Any], codes: Int32) -> None:
        """Replace codes of one predictor in place: only of a copy that nobody else uses.

        Parameters
        ----------
        position
            Of the predictor.
        rows
            (k,) whose codes.
        codes
            (k,) the new ones.
        """
        self.kept.clear()
        self.codes[position, rows] = codes
        presort(self.codes[position], np.zeros(self.sizes[position] + 2, dtype=np.int64), self.order[position])

    def ranks(self, weights: Int32 | None) -> tuple[Int32, npt.NDArray[np.int64]]:
        """How many codes of each predictor occur, up to each one and missing, one predictor after the other.

        Parameters
        ----------
        weights
            (n,) repetitions of the rows; 0 where one does not count.

        Returns
        -------
        ranks, bases : ndarray
            Both int; empty where every code occurs, and is its own rank.
        """
        return self.kept.of("ranks", weights, lambda: self._ranks(weights))

    def information(self) -> tuple[Float, npt.NDArray[np.int64]]:
        """Of each code, -1 first, minus the binary logarithm of its share of the rows, one predictor after the other.

        Returns
        -------
        bits, bases : ndarray
            And where each predictor's begin.
        """
        return self.kept.of("information", None, self._information)

    def _information(self) -> tuple[Float, npt.NDArray[np.int64]]:
        counts = [
            np.bincount(codes + 1, minlength=size + 1) for codes, size in zip(self.codes, self.sizes, strict=True)
        ]
        bases = np.cumsum(self.sizes + 1, dtype=np.int64) - self.sizes - 1
        every = np.concatenate(counts) if counts else np.empty(0)
        return np.log2(max(self.n, 1) / np.maximum(every, 1)), bases

    def _ranks(self, weights: Int32 | None) -> tuple[Int32, npt.NDArray[np.int64]]:
        chosen = self.codes if weights is None else self.codes[:, weights > 0]
        ends = np.cumsum(self.sizes + 1, dtype=np.int64)
        bases = ends - self.sizes - 1
        found = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.bool_)
        found[ends - 1] = True
        for codes, base in zip(chosen, bases.tolist(), strict=True):
            found[codes + base] = True  # missing, -1, is where that of the predictor before is, or of the last one
        if found.all():
            return NO_RANKS
        total = np.cumsum(found, dtype=np.int32)
        before = np.where(bases > 0, total[bases - 1], 0)
        return (total - np.repeat(before, self.sizes + 1)).astype(np.int32), bases


def encode_features(
    codes: Sequence[npt.NDArray[Any]] | npt.NDArray[Any],
    *,
    nominal: Sequence[bool],
    values: Sequence[npt.NDArray[Any] | None] | None = None,
    sizes: Sequence[int] | None = None,
) -> Features:
    """Presort predictors.

    Parameters
    ----------
    codes
        F arrays of n codes: 0, 1, ... in the order of the values; -1 missing (ordered predictors only).
    nominal
        F flags.
    values
        For each predictor the ascending values of its codes; None where the codes are the values (levels).
    sizes
        For each predictor how many codes there are; by default as many as occur.

    Returns
    -------
    Features
    """
    matrix = np.ascontiguousarray(codes, dtype=np.int32)
    if matrix.ndim != 2:
        matrix = matrix.reshape(len(codes), -1)
    number, n = matrix.shape
    counted = np.array(
        [int(c.max(initial=-1)) + 1 for c in matrix] if sizes is None else list(sizes), dtype=np.int32
    ).reshape(number)
    order = np.empty((number, n), dtype=np.int32)
    for f in range(number):
        presort(matrix[f], np.zeros(counted[f] + 2, dtype=np.int64), order[f])
    given = [None] * number if values is None else list(values)
    parts = [
        np.arange(size, dtype=np.float64) if v is None else np.asarray(v, dtype=np.float64)
        for v, size in zip(given, counted, strict=True)
    ]
    bases = np.zeros(number, dtype=np.int64)
    bases[1:] = np.cumsum([len(v) for v in parts])[:-1]
    return Features(
        codes=matrix,
        order=order,
        sizes=counted,
        nominal=np.array(nominal, dtype=np.uint8).reshape(number),
        values=np.concatenate(parts) if parts else np.empty(0),
        bases=bases,
        levels=max([1, *(int(size) for size, unordered in zip(counted, nominal, strict=True) if unordered)]),
    )
