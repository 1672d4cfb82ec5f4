"""Recodings of a codebook, done when a column is encoded: what is recoded already stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.table.codebook import ColumnSpec
from replicant.table.coded import coded_positions
from replicant.table.dtypes import ColumnType
from replicant.table.factor import MEASURED, Factor, Nature, factorize
from replicant.table.rounding import revalued

__all__ = ["coarsen", "coarsened"]


def coarsen(name: str, factor: Factor, spec: ColumnSpec) -> Factor:
    """A column with its values recoded; coded missing values stay.

    Raises
    ------
    SpecError
        A value would be one that its type does not hold, or a coded missing value.
    """
    how = spec.recoding
    if how is None:
        return factor
    if how.of_levels:
        return _merged(name, factor, spec)
    if not how.of_numbers or factor.nature not in MEASURED or not len(factor.uniques):
        return factor
    numbers = factor.numbers()
    new = how.numbers(numbers)
    changed = new != numbers
    changed[[at for at in coded_positions(factor, spec) if at >= 0]] = False
    if not changed.any():
        return factor
    stored = factor.uniques.dtype
    cells = pd.Series(factor.type.restore_numbers(new[changed]))
    if cells.dtype != stored:
        raise SpecError(
            f"column {name!r} is recoded to values that its type, {factor.type}, does not hold",
            need="bounds and multiples that the cells of the column can have",
            fix="give whole numbers where the column has only such",
        )
    values = pd.Series(factor.uniques, dtype=stored).copy()
    values[changed] = cells.to_numpy() if isinstance(stored, np.dtype) else cells.array
    if pd.Series(new[changed]).isin(spec.missing_codes).any():
        raise SpecError(
            f"column {name!r} is recoded to one of its coded missing values",
            fix="choose other bounds or multiples",
        )
    return revalued(name, factor, values)


def _merged(name: str, factor: Factor, spec: ColumnSpec) -> Factor:
    how, values = spec.recoding, factor.uniques.tolist()
    assert how is not None
    coded = {at for at in coded_positions(factor, spec) if at >= 0}
    levels = dict.fromkeys(spec.levels or ())
    new = [value if at in coded else how.level(value, levels) for at, value in enumerate(values)]
    if factor.nature is not Nature.CATEGORY:
        return factor if new == values else revalued(name, factor, pd.Series(new, dtype=factor.uniques.dtype))
    known = list(dict.fromkeys([*levels, *new]))
    if known == values:
        return factor
    position = {level: at for at, level in enumerate(known)}
    codes = np.array([*(position[level] for level in new), -1], dtype=np.int32).take(factor.codes)
    stored: Any = factor.type.dtype
    dtype = pd.CategoricalDtype(known, stored.ordered)
    return Factor(codes, dtype.categories, Nature.CATEGORY, ColumnType(dtype))


def coarsened(frame: pd.DataFrame, codebook: Mapping[str, ColumnSpec]) -> pd.DataFrame:
    """Rows of another table, real ones say, recoded as a codebook says; raw values with a label wait for it."""
    changed: dict[Any, Any] = {}
    for name, said in codebook.items():
        spec = said
        source = name if name in frame else spec.source
        if spec.recoding is None or source not in frame or (spec.labels and not spec.recoding.of_levels):
            continue
        given = factorize(name, frame[source])
        if spec.labels:
            spec = spec.model_copy(update={"levels": [*(spec.levels or ()), *spec.labels, *spec.labels.values()]})
        factor = coarsen(name, given, spec)
        if factor is not given:
            cells = factor.type.restore(factor.type.lookup(factor.uniques, ()), factor.codes)
            changed[source] = pd.Series(cells, index=frame.index, name=source)
    if not changed:
        return frame
    out = frame.copy(deep=False)
    for source, cells in changed.items():
        out[source] = cells
    return out
