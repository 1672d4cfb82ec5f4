"""Sampling weights: by name, and by what they add up to."""

from __future__ import annotations

import re

import numpy as np

from replicant.table.kinds import Kind
from replicant.table.suspicions.model import Suspicion
from replicant.table.table import Table

__all__ = ["weight_suspicions"]

_NAMED = re.compile(
    r"(?:^|[_.\s])(?:[a-z]{0,3}wgt[a-z]{0,2}|[a-z]{0,2}we?i?ghts?|wt|wts|pw|gewicht(?:ung)?|gew|hochr\w*|poids|pond\w*|peso|expans\w*|"
    r"f(?:ac|actor)?_?exp\w*|vikt|vekt|waga)\d*"
    r"(?:$|[_.\s])|(?:wgt|wgtp|weight|_wt|gewicht|finlwt)\d*$",
    re.IGNORECASE,
)
_BODY = re.compile(r"height|hgt|hght|bmi|size|stature|groesse|taille", re.IGNORECASE)
_OF_BODIES = re.compile(r"birth|(?:[_.\s]|(?<=t))(?:kgs?|kilos?|lbs?|pounds|g|grams?)$", re.IGNORECASE)
_PLAIN = {"weight", "wgt", "wght", "wt", "gewicht", "poids", "peso"}
_LARGE = 500.0


def weight_suspicions(table: Table) -> list[Suspicion]:
    """Columns of positive numbers that are called weights; a body's, beside its height or in kilograms, are none."""
    body = any(_BODY.search(name) for name in table.names)
    found = []
    for column in table.columns:
        if column.kind not in (Kind.CONTINUOUS, Kind.COUNT) or column.size < 10 or not _NAMED.search(column.name):
            continue
        if _OF_BODIES.search(column.name):
            continue
        numbers = column.numbers()
        numbers = numbers[~np.isnan(numbers)]
        if numbers.min(initial=0.0) < 0 or not numbers.sum():
            continue
        if column.name.lower() in _PLAIN and body and numbers.mean() < _LARGE:
            continue
        whole = column.decimals == 0
        total = f"they add up to about {_rounded(float(numbers.sum())):,.0f}"
        text = (
            f"weights, by name: {'whole' if whole else 'fractional'} numbers, {total}. They are synthesized like any "
            f"other column; in analyses say weights={column.name!r}, weight_kind='survey'"
        )
        kind = "count" if whole else "continuous"
        found.append(Suspicion(column.name, "weights", text, {"kind": kind}, settles=True))
    return found


def _rounded(total: float) -> float:
    """To two digits: a total is no cell, but of few rows it would be nearly one."""
    scale = 10.0 ** (np.floor(np.log10(max(total, 1.0))) - 1)
    return float(np.round(total / scale) * scale)
