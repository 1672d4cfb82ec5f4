"""Any table, written as .sav, .dta or .xlsx and read again, is the same; what a format cannot hold is refused or told.

Same means: the same rows, numbers, levels in their order, dates, and kinds of missing, told apart.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from replicant.errors import DataError, ReplicantError
from replicant.release.copies import FORMATS, CopyFormat
from replicant.release.csv import level_text
from replicant.table import Column, Table, encode_table, merge_scans, read_table, scan
from replicant.table.kinds import Kind

from .strategies import CANARIES, codebooks, frames
from .test_fuzz import fuzzed

pytestmark = pytest.mark.fuzz

TOLD = {
    "moments": "fractions of a second are cut",
    "texts": "levels are plain texts",
    "names": "a name is another",
    "order": "ordered levels are nominal",
    "levels": "levels are in the order of codes",
    "days": "durations are numbers",
    "digits": "numbers have 16 digits",
    "dates": "dates are texts",
    "missing": "missing codes are plain texts",
    "zone": "moments are in UTC",
    "labels": "labels are cut",
    "times": "times of day are durations",
    "blanks": "blanks at the ends of levels are gone",
}


@fuzzed(0.6)
@given(st.data(), st.sampled_from(["sav", "dta", "xlsx"]))
def test_round_trip(data: st.DataObject, form: str) -> None:
    frame = data.draw(frames(wrong=False))
    book = data.draw(codebooks(frame, wrong=False))
    try:
        table = encode_table(frame, book)
    except ReplicantError:
        event("no table")
        return
    made = FORMATS[form]
    try:
        facts = made.prepare(table, table.n)
        content = made.write(table.observed(), facts)
    except DataError as error:
        event(f"{form}: refused")
        # Only names and numbers of columns, never cells.
        said = str(error)
        for column in table.columns:
            said = said.replace(repr(column.name), "")
        assert not any(canary in said for canary in CANARIES)
        return
    assert bytes(made.write(table.observed(), facts)) == bytes(content)
    told = {one.code.partition("_")[2]: one.column for one in facts.events}
    assert set(told) <= set(TOLD)
    for code in told:
        event(f"{form}: {TOLD[code]}")
    if form == "xlsx":
        # A row without a single cell is none in a sheet.
        table = table.take(~np.all([column.codes == -1 for column in table.columns], axis=0))
        if table.n < 2:
            return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{form}"
        path.write_bytes(content)
        loaded = read_table(path, reading={"header": 1} if form in {"csv", "xlsx"} else None)
        again = encode_table(loaded.frame, loaded.declared({}), events=loaded.events)
    event(f"{form}: read")
    assert len(again.columns) == len(table.columns)
    assert again.n == table.n
    if "names" not in told:
        assert again.names == table.names
    for one, other in zip(table.columns, again.columns, strict=True):
        same(one, other, form, {one_.code.partition("_")[2] for one_ in facts.events if one_.column in {"", one.name}})


@fuzzed(0.2)
@given(st.data())
def test_copies_of_parts_say_what_those_of_the_whole_say(data: st.DataObject) -> None:
    """What is known of a table that nobody holds as a whole is enough for what its copies say."""
    frame = data.draw(frames(wrong=False))
    book = data.draw(codebooks(frame, wrong=False))
    size = max(2, len(frame) // 3)
    try:
        table = encode_table(frame, book)
        chunks = [scan(frame[at : at + size], book, chunk=at) for at in range(0, len(frame), size)]
        known = merge_scans(*chunks)
        known.codebook(book)
    except ReplicantError:
        event("no table")
        return
    bare = table.without_cells()
    bare = replace(bare, columns=tuple(replace(one, whole=known[one.name].extent) for one in bare.columns))
    for form in FORMATS.values():
        # A code that is no date is none in SPSS: NaN, which equals nothing.
        assert said(form, table, table.n) == said(form, bare, table.n)


def said(form: CopyFormat, table: Table, rows: int) -> str:
    try:
        return repr(form.prepare(table, rows))
    except DataError as error:
        return str(error)


def same(one: Column, other: Column, form: str, told: set[str]) -> None:
    missing = one.codes < 0
    assert (other.codes < 0).tolist() == missing.tolist()
    if not missing.all():
        kinds = pd.Series(one.codes[missing]).factorize()[0]
        assert kinds.tolist() == pd.Series(other.codes[missing]).factorize()[0].tolist()
    if one.is_categorical:
        levels = [level_text(level) for level in one.levels()]
        found = [level_text(level) for level in other.levels()] if other.is_categorical else numbers_as_texts(other)
        cells = [levels[code] for code in one.codes[~missing]]
        if "texts" in told:
            # What only blanks at the end tell apart is one text in SPSS.
            assert [text.rstrip() for text in cells] == [found[code].rstrip() for code in other.codes[~missing]]
            return
        assert cells == [found[code] for code in other.codes[~missing]]
        if other.is_categorical:
            assert found == levels or ("levels" in told and sorted(found) == sorted(levels))
        if one.kind is Kind.ORDERED and "order" not in told:
            assert other.kind is Kind.ORDERED
        return
    expected, numbers = one.numbers(), other.numbers()
    if one.kind is Kind.DATE:
        assert other.kind is Kind.DATE or missing.all()
        fine = 0.6e-3 if "moments" in told or form == "xlsx" else 3e-6
        np.testing.assert_allclose(numbers * 86_400, expected * 86_400, rtol=0, atol=fine)
    elif one.dtype.is_time:
        # Hours here; the days of a duration where the format has no time of day.
        hours = numbers * (24 if "times" in told else 1)
        # The last millisecond of a day is not rounded up to the next.
        fine = 1e-6 if form == "sav" else 1e-3
        np.testing.assert_allclose(hours * 3600, expected * 3600, rtol=0, atol=fine)
    elif one.dtype.dtype.kind == "m" and form == "sav":
        np.testing.assert_allclose(numbers * 86_400, expected * 86_400, rtol=1e-15, atol=1e-6)
    elif "days" in told or "digits" in told or one.dtype.dtype.kind == "m":
        # A narrow float is written by the digits that stand for it: 0.1 of float16 as 0.1.
        number = one.dtype.number
        rtol = (
            float(np.finfo(number).eps) if number is not None and number.kind == "f" and number.itemsize < 8 else 1e-12
        )
        fine = 1e-300
        if one.dtype.dtype.kind == "m":
            # Days of so many decimals, which the type holds to its unit.
            held = pd.to_timedelta(pd.Series([0], dtype=one.dtype.dtype)).dt.unit
            fine = 1e-14 if one.decimals is None else np.timedelta64(1, held) / np.timedelta64(1, "D") / 2
        np.testing.assert_allclose(numbers, expected, rtol=rtol, atol=fine)
    else:
        assert numbers[~missing].tolist() == expected[~missing].tolist()


def numbers_as_texts(column: Column) -> list[str]:
    return [level_text(value) for value in column.values.tolist()]


@pytest.mark.parametrize("form", ["sav", "dta", "xlsx"])
def test_an_empty_set_is_written(form: str) -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    table: Table = encode_table(frame)
    content: Any = FORMATS[form].write(table.observed().iloc[:0], FORMATS[form].prepare(table, 0))
    assert len(content) > 100
