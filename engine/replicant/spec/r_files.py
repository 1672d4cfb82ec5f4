"""What R writes of settings: `jsonlite::toJSON` and `write.csv`, with dimnames or without."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from replicant.errors import SpecError

__all__ = ["Grid", "as_grid", "as_vector", "read_grid", "read_json"]


@dataclass(frozen=True)
class Grid:
    """A matrix of R.

    Attributes
    ----------
    cells
        Rows of texts, numbers or truth values.
    rows, columns
        Their names; None where R wrote none.
    """

    cells: list[list[Any]]
    rows: list[str] | None = None
    columns: list[str] | None = None


def read_json(text: str, source: str) -> Any:
    """A JSON document; `source` is what the errors call it.

    Raises
    ------
    SpecError
        If it is none, with the line; or if a key stands in it twice.
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) < len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise SpecError(f"{source}: the key {twice[:60]!r} occurs twice", need="every key once")
        return made

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise SpecError(
            f"{source}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})",
            need="what jsonlite::toJSON writes, or write.csv into a file that ends in .csv",
            fix="write the file by R again instead of editing it",
        ) from None
    except RecursionError:
        raise SpecError(f"{source}: nested too deep to be settings", need="what jsonlite::toJSON writes") from None


def read_grid(text: str, source: str) -> Grid:
    """What `write.csv` wrote: with row names (then the first name of the head is empty), or without them.

    Raises
    ------
    SpecError
        If lines differ in length, with the line; if there is no line below the head.
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line]
    except csv.Error as error:
        raise SpecError(f"{source}: not valid CSV ({error})", need="what write.csv writes") from None
    if len(lines) < 2:
        raise SpecError(f"{source} has {len(lines)} lines", need="a line of names and lines of settings below it")
    head, *body = lines
    for number, line in enumerate(body, 2):
        if len(line) != len(head):
            raise SpecError(
                f"{source}, line {number}: {len(line)} fields where the first line has {len(head)}",
                need="as many fields in every line, separated by commas",
                fix="write.csv(x, file) writes them so; write.csv2 writes semicolons",
            )
    if head[0]:
        return Grid(body, None, head)
    return Grid([line[1:] for line in body], [line[0] for line in body], head[1:])


def as_grid(value: Any, what: str) -> Grid:
    """A matrix from JSON: arrays of rows, records (a data frame, `_row` names its rows), or columns by name.

    Raises
    ------
    SpecError
        If it is none of these.
    """
    if isinstance(value, Grid):
        return value
    if isinstance(value, Mapping) and _even(value.values()):
        return Grid([list(row) for row in zip(*value.values(), strict=True)], None, list(map(str, value)))
    if isinstance(value, list) and _even(value):
        return Grid(value)
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        columns = [name for name in value[0] if name != "_row"]
        if columns and all([name for name in row if name != "_row"] == columns for row in value):
            rows = [str(row["_row"]) for row in value] if all("_row" in row for row in value) else None
            return Grid([[row[name] for name in columns] for row in value], rows, columns)
    raise SpecError(
        f"{what} is not a matrix",
        need="a matrix as toJSON writes it, or toJSON(as.data.frame(matrix)), which keeps the names",
    )


def _even(lines: Collection[Any]) -> bool:
    """Whether these are lists of one length."""
    return all(isinstance(line, list) and line for line in lines) and len({len(line) for line in lines}) == 1


def as_vector(value: Any, what: str) -> list[Any] | dict[str, Any]:
    """A vector: by name where it has names, else in its order. A text alone is a vector of one, as R has it.

    Raises
    ------
    SpecError
        If it is none.
    """
    if isinstance(value, Grid):
        return _of_grid(value, what)
    if isinstance(value, Mapping):
        return {str(name): _alone(one, what) for name, one in value.items()}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], Mapping):  # a data frame of one row
            return {str(name): one for name, one in value[0].items() if name != "_row"}
        return [_alone(one, what) for one in value]
    return [value]


def _of_grid(grid: Grid, what: str) -> list[Any] | dict[str, Any]:
    width = len(grid.cells[0])
    if width == 1:
        cells = [row[0] for row in grid.cells]
        counted = [str(i + 1) for i in range(len(cells))]
        return cells if grid.rows is None or grid.rows == counted else dict(zip(grid.rows, cells, strict=True))
    if len(grid.cells) == 1 and grid.columns is not None:
        return dict(zip(grid.columns, grid.cells[0], strict=True))
    raise SpecError(f"{what} is a matrix of {len(grid.cells)} rows and {width} columns", need="one column, or one row")


def _alone(value: Any, what: str) -> Any:
    """R's vectors of one are arrays in JSON."""
    if isinstance(value, list):
        if len(value) != 1:
            raise SpecError(f"{what} has an entry of {len(value)} values", need="one value for each column")
        value = value[0]
    if isinstance(value, Mapping):
        raise SpecError(f"{what} has an entry with names of its own", need="one value for each column")
    return value
