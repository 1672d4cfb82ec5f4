"""Small tables as methods get them that work on codes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from replicant.methods import Predictors, Response
from replicant.trees import encode_features

Array = npt.NDArray[np.generic]


def numbers(values: npt.ArrayLike) -> Response:
    """A response of numbers, the codes being dense ranks."""
    found, codes = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    return Response(codes.astype(np.int32), numbers=found[codes])


def classes(values: npt.ArrayLike, n_classes: int | None = None) -> Response:
    """A response of classes, the codes being the classes."""
    codes = np.asarray(values, dtype=np.int32)
    return Response(codes, classes=codes, n_classes=int(codes.max()) + 1 if n_classes is None else n_classes)


def predictors(*columns: npt.ArrayLike, nominal: tuple[int, ...] = (), subset: list[int] | None = None) -> Predictors:
    """All rows of a table: levels at the positions `nominal`, elsewhere numbers as dense ranks, NaN missing."""
    codes, values, sizes = [], [], []
    for position, column in enumerate(columns):
        array = np.asarray(column)
        if position in nominal:
            codes.append(array.astype(np.int32))
            values.append(None)
            sizes.append(int(array.max()) + 1)
            continue
        array = array.astype(np.float64)
        found = np.unique(array[~np.isnan(array)])
        codes.append(np.where(np.isnan(array), -1, np.searchsorted(found, array)).astype(np.int32))
        values.append(found)
        sizes.append(len(found))
    features = encode_features(
        codes, nominal=[position in nominal for position in range(len(columns))], values=values, sizes=sizes
    )
    chosen = range(len(columns)) if subset is None else subset
    return Predictors(features, np.array(chosen, dtype=np.int32), features.n)


def rows_of(x: Predictors, rows: npt.ArrayLike, exclude_self: bool = False) -> Predictors:
    """Rows of the table that are to be drawn."""
    chosen = np.asarray(rows, dtype=np.int32)
    return Predictors(x.features, x.subset, len(chosen), rows=chosen, exclude_self=exclude_self)


def new_rows(x: Predictors, rows: npt.ArrayLike) -> Predictors:
    """The same as rows that are not of the table."""
    chosen = np.asarray(rows, dtype=np.int32)
    codes = np.ascontiguousarray(x.features.codes[:, chosen].T)
    return Predictors(x.features, x.subset, len(chosen), codes=codes)
