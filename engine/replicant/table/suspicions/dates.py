"""Dates written as text in the orders of different countries, and numbers written with a comma."""

from __future__ import annotations

import re
from datetime import datetime

import pandas as pd

from replicant.table.column import Column
from replicant.table.kinds import Kind
from replicant.table.suspicions.model import Suspicion
from replicant.table.table import Table

__all__ = ["date_suspicions"]

_FORMATS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d"),
    *("%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y"),
)
_DATE = re.compile(r"\d{1,4}[/.\- ](?:\d{1,2}|[^\W\d]{3,9})[/.\- ]\d{2,4}|[^\W\d]{3,9} \d{1,2}, \d{4}")
_COMMA = re.compile(r"-?\d{1,3}(?:\.\d{3})*,\d+|-?\d+,\d+|-?\d+")
_SOME = 2000


def date_suspicions(table: Table) -> list[Suspicion]:
    """Columns of text that spell dates or numbers, all of them."""
    found = []
    for column in table.columns:
        texts = _texts(column)
        if len(texts) < 3:
            continue
        if all(_DATE.fullmatch(text) for text in texts):
            found += _date(column.name, texts)
        elif all(_COMMA.fullmatch(text) for text in texts) and any("," in text for text in texts):
            text = "numbers with a decimal comma, kept as text: input.decimal says how they are written"
            found.append(Suspicion(column.name, "decimal_comma", text, {}, {"input.decimal": ","}, settles=True))
    return found


def _texts(column: Column) -> list[str]:
    if column.kind not in (Kind.NOMINAL, Kind.IDENTIFIER, Kind.BINARY):
        return []
    values = list(column.originals[:_SOME]) if len(column.originals) else []
    return values if values and all(isinstance(value, str) for value in values) else []


def _date(name: str, texts: list[str]) -> list[Suspicion]:
    fitting = [form for form in _FORMATS if all(_parses(text, form) for text in texts)]
    if not fitting:
        return []
    sure = len(fitting) == 1
    other = "" if sure else f"; {fitting[1]} would do too"
    text = f"dates written as text, as {fitting[0]}{other}"
    return [
        Suspicion(
            name, "dates", text, {"kind": "date"}, {f"input.date_format.{name}": fitting[0]}, sure=sure, settles=sure
        )
    ]


def _parses(text: str, form: str) -> bool:
    try:
        moment = datetime.strptime(text, form)
    except ValueError:
        return False
    return pd.Timestamp.min < pd.Timestamp(moment) if moment.year > 1677 else False
