"""The tables of an analysis: frames or partitions, with the columns that their codebook says."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from replicant.errors import SpecError
from replicant.estimate.partitions import DeferredPartitions, Load, columns_of
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table.codebook import Codebook, ColumnSpec

__all__ = ["Data", "columns_known", "mapped", "names_in", "recoded", "refuse_identifiers", "typed", "words_of"]

Data: TypeAlias = "pd.DataFrame | Sequence[Load] | DeferredPartitions"
"""One table for an estimator: a frame, functions that load its partitions one at a time, or partitions elsewhere."""


@overload
def typed(
    data: pd.DataFrame, manifest: Mapping[str, Any], used: Collection[str] | None = None, *, only: bool = False
) -> pd.DataFrame: ...
@overload
def typed(
    data: Data, manifest: Mapping[str, Any], used: Collection[str] | None = None, *, only: bool = False
) -> Data: ...
def typed(data: Data, manifest: Mapping[str, Any], used: Collection[str] | None = None, *, only: bool = False) -> Data:
    """Columns as the codebook of the sets says they are, in every partition: see `replicant.table.typed`.

    Parameters
    ----------
    data
        A frame, functions that load partitions, or partitions elsewhere; synthetic or real.
    manifest
        With `columns`: their names, kinds, levels, labels and missing codes.
    used
        The columns needed; None: all. Partitions on a cluster keep no others, so that a few columns can stay in memory
        from one stage to the next.
    only
        Whether a frame here keeps no others either.
    """
    import pandas as pd

    from replicant.table.codebook import Codebook

    book, kept = Codebook.from_manifest(manifest), None if used is None else frozenset(used)
    narrow = only or not isinstance(data, pd.DataFrame)
    return mapped(data, partial(_formed, codebook=book, used=kept, only=narrow))


def mapped(data: Data, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Data:
    """The table with every partition changed, when it is loaded."""
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return change(data)
    return (
        data.mapped(change)
        if isinstance(data, DeferredPartitions)
        else [partial(_changed, load, change) for load in data]
    )


def recoded(data: Data, codebook: Mapping[str, ColumnSpec]) -> Data:
    """Real rows with the recodings of a codebook."""
    from replicant.table.coarsen import coarsened

    if all(spec.recoding is None for spec in codebook.values()):
        return data
    return mapped(data, partial(coarsened, codebook=codebook))


def _changed(load: Load, change: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    return change(load())


def _formed(frame: pd.DataFrame, codebook: Codebook, used: frozenset[str] | None, only: bool) -> pd.DataFrame:
    from replicant.table.typed import typed as of_frame

    identifiers = [name for name, spec in codebook.items() if spec.kind is Kind.IDENTIFIER and name in frame]
    frame = of_frame(frame.drop(columns=identifiers) if identifiers else frame, codebook, used)
    if not only or used is None or used.issuperset(frame.columns):
        return frame
    return frame[[name for name in frame.columns if name in used]]


def refuse_identifiers(manifest: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse an analysis of identifiers.

    Raises
    ------
    SpecError
        One of the names is one's.
    """
    identifiers = {str(entry["name"]) for entry in manifest.get("columns", ()) if entry.get("kind") == "identifier"}
    for name in names:
        if name in identifiers:
            raise SpecError(
                f"{name!r} is an identifier, and its values were made up",
                need="variables: an identifier distinguishes rows and measures nothing",
                fix=f"take {name!r} out",
            )


def words_of(formula: str) -> list[str]:
    """What may be names in a formula: those in backquotes as a whole."""
    return [a or b for a, b in re.findall(r"`([^`]+)`|([^\W\d][\w.]*)", str(formula))]


def names_in(data: Data) -> tuple[str, ...]:
    """Names of the columns."""
    import pandas as pd

    if isinstance(data, DeferredPartitions):
        return columns_of(data.source(None))
    return tuple(map(str, (data if isinstance(data, pd.DataFrame) else data[0]()).columns))


def columns_known(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the variables of the sets, where the manifest lists them: real data may have others beside them."""
    return tuple(str(entry["name"]) for entry in manifest.get("columns", ()) if entry.get("kind") != "identifier")
