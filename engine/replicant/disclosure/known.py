"""What an intruder may have besides the release: earlier releases of the same people, and how many share their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from replicant.disclosure.combinations import count
from replicant.disclosure.tally import Questions, Tally, combine_tallies, tally
from replicant.errors import DataError, SpecError, nearest
from replicant.estimate.partitions import columns_of, partitioned
from replicant.evaluation.inputs import Inputs, aligned, synthetic_sets
from replicant.evaluation.rows import Coding, level_key
from replicant.table import is_dask_frame, read_data
from replicant.table.counts import distinct_values

if TYPE_CHECKING:
    from replicant.analysis import Data
    from replicant.table.arrays import Floats

__all__ = ["Earlier", "earlier_releases", "population_of", "tallied", "with_levels", "with_population"]


@dataclass(frozen=True, eq=False)
class Earlier:
    """An earlier release of the same people.

    Attributes
    ----------
    sets
        Its sets.
    names
        The columns of the release under review that it has.
    aligned
        Whether its rows are the records of the real table (`observed` conditioning).
    """

    sets: Sequence[Data]
    names: tuple[str, ...]
    aligned: bool

    def tallies(self, questions: Questions, coding: Coding) -> list[Tally]:
        """Counts of each set: of the keys, and of whole rows where it has all columns."""
        found = [tallied(one, coding.only(self.names), replace(questions, targets=())) for one in self.sets]
        whole = len(self.names) == len(coding.columns)
        return found if whole else [replace(one, rows=count(np.empty(0, np.int64))) for one in found]


def earlier_releases(given: Inputs, earlier: Any, keys: Sequence[str]) -> tuple[list[Earlier], list[str]]:
    """The earlier releases, and what cannot be used of them.

    Parameters
    ----------
    given
        The tables under review.
    earlier
        Releases (or where they are), or sets of any make: one, or a list of them.
    keys
        Columns that an intruder knows.

    Raises
    ------
    DataError
        An earlier release has none of the columns.
    """
    listed = list(earlier) if isinstance(earlier, list | tuple) else [] if earlier is None else [earlier]
    out, left_out = [], []
    for number, one in enumerate(listed, 1):
        sets, manifest = synthetic_sets(one, given)
        here = set.intersection(*(set(map(str, columns_of(partitioned(each)))) for each in sets))
        names = [name for name in given.coding.names if name in here]
        lacking = [name for name in keys if name not in names]
        if not names:
            raise DataError(f"earlier release {number} has no column of this one", need="releases of the same people")
        if lacking:
            left_out.append(f"earlier release {number}: it has no column {', '.join(lacking)}, which is a key")
            continue
        if len(names) < len(given.coding.names):
            left_out.append(f"copies of whole rows by earlier release {number}: it has {len(names)} of the columns")
        out.append(Earlier(sets, tuple(names), aligned(manifest) and len(names) == len(given.coding.names)))
    return out, left_out


def population_of(population: Any, keys: Sequence[str]) -> pd.DataFrame:
    """A row for each combination of the keys, with a column `count` of people.

    Parameters
    ----------
    population
        A frame (or where it is) with the keys and a column `count`, or a series by the keys.
    keys
        Columns that an intruder knows.

    Raises
    ------
    SpecError, DataError
        It lacks a key or the counts.
    """
    if not keys:
        raise SpecError("there is a population and no key", need="the columns by which people are counted, in `keys`")
    if isinstance(population, pd.Series):
        names = [str(name) for name in population.index.names]
        population = population.rename("count").rename_axis(names).reset_index()
    if isinstance(population, str | PathLike) or is_dask_frame(population):
        frame = read_data(population)
    else:
        frame = read_data(population).rename(columns=str)
    for name in (*keys, "count"):
        if name not in frame:
            raise SpecError(
                f"the population has no column {name!r}{nearest(name, map(str, frame.columns))}",
                need=f"the keys ({', '.join(keys)}) and a column `count` of people",
            )
    people = pd.to_numeric(frame["count"], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if not len(people) or not (people >= 0).all():
        raise DataError("the population has counts that are missing or below 0", need="numbers of people")
    return frame[list(keys)].assign(count=people)


def with_population(real: Tally, population: pd.DataFrame, coding: Coding, questions: Questions) -> Tally:
    """The counts of the real table with the people of the population in place of the sums of weights."""
    assert real.keys is not None
    _, keys = questions.codes(coding.only(questions.keys).rows(population))
    found = count(keys, weights=population["count"].to_numpy())
    assert found.weights is not None
    at = np.minimum(np.searchsorted(found.keys, real.keys.keys), len(found.keys) - 1)
    people = np.where(found.keys[at] == real.keys.keys, found.weights[at], 0.0)
    return replace(real, keys=replace(real.keys, weights=people))


def tallied(data: Data, coding: Coding, questions: Questions) -> Tally:
    """Counts of all rows of a table, partition by partition."""
    return combine_tallies(partitioned(data).reduce(partial(_tally, coding=coding, questions=questions), _merged))


def _tally(frame: pd.DataFrame, weights: Floats | None, *, coding: Coding, questions: Questions) -> Sequence[Tally]:
    return [tally(coding.rows(frame), questions)]


def _merged(one: Sequence[Tally], other: Sequence[Tally]) -> Sequence[Tally]:
    """The counts of more partitions, the larger ones first.

    Counts of like size are added: each is then sorted as often as their number doubles, and not with every partition.
    """
    states = [*one, *other]
    while len(states) > 1 and len(states[-2].rows.keys) < 2 * len(states[-1].rows.keys):
        states[-2:] = [combine_tallies(states[-2:])]
    return states


def with_levels(coding: Coding, tables: Sequence[Data]) -> Coding:
    """The coding with what levels other tables have, so that these are not taken for missing."""
    columns = list(coding.columns)
    for table in tables:
        names = [name for name in columns_of(partitioned(table)) if name in coding.names]
        found = partitioned(table).reduce(partial(_levels, names=names), _both)
        for j, column in enumerate(columns):
            more = found.get(column.name, set()) - set(column.levels)
            if not column.is_numeric and more:
                columns[j] = replace(column, levels=(*column.levels, *sorted(more)))
    return replace(coding, columns=tuple(columns))


def _levels(frame: pd.DataFrame, weights: Floats | None, *, names: Sequence[str]) -> dict[str, set[str]]:
    return {name: {level_key(value) for value in distinct_values(frame[name])[0]} for name in names}


def _both(one: Mapping[str, set[str]], other: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {name: one[name] | other[name] for name in one}
