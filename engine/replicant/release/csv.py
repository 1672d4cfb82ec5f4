"""CSV beside Parquet, for programs that read nothing else: what each column is written as, and the writing.

Text is quoted, numbers are written so that they read back as they were, and a missing cell is an empty one; where a
level is itself empty, a word that is not a level, without quotes, then denotes missing text.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError
from replicant.release.forms import Form, form_of
from replicant.release.schema import to_arrow
from replicant.table.arrays import as_python
from replicant.table.durations import elapsed
from replicant.table.text.read import NA_VALUES
from replicant.table.times import clock_text

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table import Column, ColumnSpec, Table

__all__ = [
    "Sheet",
    "SheetColumn",
    "csv_bytes",
    "instants",
    "iso_texts",
    "level_text",
    "sheet_of",
]


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """One column of the CSV files.

    Attributes
    ----------
    name, kind
        As in the table.
    form
        What it is written as.
    levels
        Of a factor, in their order: texts as they are written, or numbers. Empty for other forms.
    missing_codes
        Values that mean a kind of missing; they are written like any other, and no level is among them.
    missing_labels
        What each of them means.
    """

    name: str
    kind: str
    form: Form
    levels: tuple[str, ...] | tuple[float, ...] = ()
    missing_codes: tuple[Any, ...] = ()
    missing_labels: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether its cells are texts that a reader must not take for numbers."""
        return self.form is Form.TEXT or bool(self.levels and isinstance(self.levels[0], str))


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the sets of one release are written as CSV; it travels to workers.

    Attributes
    ----------
    columns
        In the table's order.
    missing
        The text of a missing cell in columns of text; in other columns it is empty.
    """

    columns: tuple[SheetColumn, ...]
    missing: str = ""


def sheet_of(table: Table) -> Sheet:
    """The form in which the sets of a table are written, the same for every partition.

    Raises
    ------
    DataError
        If two levels of a column would be written the same, or a name or level cannot be written.
    """
    columns = tuple(_column(column, table.specs.get(column.name)) for column in table.columns)
    if len({_plain(column.name) for column in columns}) < len(columns):
        raise DataError("Two columns have names that are equal in CSV.", fix="rename one of them")
    return Sheet(columns, _missing(table))


def csv_bytes(frame: pd.DataFrame, sheet: Sheet) -> Any:
    """A CSV file in memory: UTF-8, commas, one line of names. The same frame gives the same bytes.

    Returns
    -------
    pyarrow.Buffer

    Raises
    ------
    DataError
        If a column holds what cannot be written.
    """
    import pyarrow as pa
    from pyarrow import csv

    arrays = [_cells(frame[column.name], column.form, text=column.is_text) for column in sheet.columns]
    names = [column.name for column in sheet.columns]
    if sheet.missing:
        alone = len(names) == 1  # one empty cell alone is an empty line, which readers skip
        return _joined(names, arrays, [sheet.missing if alone or one.is_text else "" for one in sheet.columns])
    if len(names) == 1:
        arrays = [arrays[0].cast(pa.string()).fill_null("")]
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(quoting_style="needed")
    csv.write_csv(pa.Table.from_arrays(arrays, names=names), sink, write_options=options)
    return sink.getvalue()


def _joined(names: list[str], arrays: list[Any], missing: list[str]) -> Any:
    """The same if the text of a missing cell differs between columns; unlike other texts it is never in quotes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def sign(text: str) -> Any:
        return pa.scalar(text, pa.large_string())

    def quoted(texts: Any) -> Any:
        return pc.binary_join_element_wise(sign('"'), pc.replace_substring(texts, '"', '""'), sign('"'), sign(""))

    cells = []
    for array, blank in zip(arrays, missing, strict=True):
        text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
        written = array.cast(pa.large_string())
        cells.append((quoted(written) if text else written).fill_null(blank))
    head = ",".join(quoted(pa.array(names, pa.large_string())).to_pylist())
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, sign(",")), sign("\n"), sign(""))
    whole = lines.combine_chunks() if isinstance(lines, pa.ChunkedArray) else lines
    _, _, content = whole.buffers()
    return pa.py_buffer(f"{head}\n".encode() + (b"" if content is None else content.to_pybytes()))


# --- what a column is ------------------------------------------------------------------------------------------------


def _column(column: Column, said: ColumnSpec | None) -> SheetColumn:
    form = form_of(column)
    levels: tuple[Any, ...] = ()
    if column.is_categorical:
        texts = [level_text(level) for level in column.levels()]
        _check(column.name, texts)
        if form in {Form.FACTOR, Form.ORDERED}:
            levels = tuple(column.levels()) if column.dtype.number is not None else tuple(texts)
    else:
        _check(column.name, [])
    codes = tuple(column.missing_codes)
    if form is Form.TIME:
        codes = tuple(_time_text(code) for code in codes)
    meanings = said.missing_labels if said is not None else {}
    declared = [*said.missing_codes] if said is not None else [*codes]
    labels = tuple(str(meanings.get(code, shown)) for code, shown in zip(declared, codes, strict=True))
    return SheetColumn(column.name, str(column.kind), form, levels, codes, labels)


def _missing(table: Table) -> str:
    taken = {level_text(level) for column in table.columns for level in column.levels()}
    taken |= {str(code) for column in table.columns for code in column.missing_codes}
    if len(table.columns) == 1 and table.columns[0].is_categorical:
        taken.add("")  # an empty line, which readers skip
    # The first of these our own reader takes for missing by itself, as others do.
    candidates = chain(("", "NA", "<NA>", *NA_VALUES), (f"NA{i}" for i in count(1)))
    return next(text for text in candidates if text not in taken)


def _check(name: str, texts: list[str]) -> None:
    """Every text must come back as it was, from readers that end a line at any of CR, LF and CRLF."""
    if any(not _representable(text) for text in (name, *texts)):
        raise DataError(
            f"Column {name!r} has a name or level with a character that text files cannot hold.",
            need="text without NUL and without halves of characters",
            fix="rename it, or write the release without CSV and helpers",
        )
    if len({_plain(text) for text in texts}) < len(texts):
        raise DataError(
            f"Column {name!r} has levels that are equal in CSV.",
            need="levels that differ as text",
            fix="give them labels, or write the release without CSV and helpers",
        )


def _representable(text: str) -> bool:
    return "\0" not in text and not any(0xD800 <= ord(sign) < 0xE000 for sign in text)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def level_text(value: Any) -> str:
    """A level as R prints it, so that terms of models have the same names everywhere."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _time_text(time: Any) -> str:
    """A time of day as it is written."""
    text = str(time)
    return text.rstrip("0") if "." in text else text


# --- its cells -------------------------------------------------------------------------------------------------------


def _cells(series: pd.Series, form: Form, *, text: bool) -> Any:
    import pandas as pd
    import pyarrow as pa

    if text or isinstance(series.dtype, pd.CategoricalDtype):
        codes, levels = (series.cat.codes, series.cat.categories) if hasattr(series, "cat") else pd.factorize(series)
        positions = pd.Series(codes).to_numpy().astype("int32")
        return pa.array([level_text(level) for level in as_python(levels)], pa.string()).take(
            pa.array(positions, mask=positions < 0)
        )
    if form is Form.LOGICAL:
        return pa.array(series.astype("boolean").map({True: "TRUE", False: "FALSE"}), pa.string(), from_pandas=True)
    if form is Form.DAYS:
        return pa.array(elapsed(series) / 86_400, pa.float64(), from_pandas=True)
    if form in {Form.DATE, Form.DATETIME}:
        return iso_texts(series, form)
    if form is Form.TIME:
        return clock_text(to_arrow(series.to_frame()).column(0))
    array = to_arrow(series.to_frame()).column(0)
    if pa.types.is_floating(array.type):
        return array.cast(pa.float64())  # otherwise 0.1 would become another number in double precision
    return array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array


def iso_texts(series: pd.Series, form: Form) -> Any:
    """ISO dates, or dates and times of day in UTC with a blank between them."""
    import pyarrow as pa

    array = instants(series)
    if form is Form.DATE:
        return array.cast(pa.date32(), safe=False).cast(pa.string())
    return array.cast(pa.timestamp("us"), safe=False).cast(pa.string())


def instants(series: pd.Series) -> Any:
    """Dates, or moments in UTC, as an Arrow array without a zone.

    Raises
    ------
    DataError
        If a text is not a date, such as 2001-02-31 that was declared a code of missing.
    """
    import pandas as pd
    import pyarrow as pa

    array = to_arrow(series.to_frame()).column(0)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.timestamp("us"))  # of any type, declared a date
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        try:
            moments = pd.to_datetime(series, format="ISO8601", utc=True)
        except ValueError:  # its text quotes the cell
            raise DataError(
                f"column {series.name!r} is of dates and holds texts that are not dates",
                need="a date in every cell of a copy that is not empty",
                fix="recode these texts to missing cells, or leave this format out of output.copies",
            ) from None
        array = pa.array(moments.dt.tz_localize(None), from_pandas=True)
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        array = array.cast(pa.timestamp(array.type.unit, "UTC")).cast(pa.timestamp(array.type.unit))
    return array
