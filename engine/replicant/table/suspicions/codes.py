"""Numbers that are codes: of kinds of missing, of levels; and columns that hardly vary."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Floats
from replicant.table.column import Column
from replicant.table.infer import numbers_in_text
from replicant.table.kinds import Kind
from replicant.table.suspicions.model import Suspicion
from replicant.table.table import Table

__all__ = ["code_suspicions"]

_WORDS = re.compile(
    r"n|n/?a|na|nan|nil|none|null|missing|miss|unknown|unk|refused|ref|dk|don'?t know|not applicable|not known|inap|b|"
    r"\.[a-z]?|-+|\?+|k\.?a\.?|keine angabe|sans objet|\*+|\s*",
    re.IGNORECASE,
)
_NEGATIVE = {*range(-9, 0), *range(-99, -93), *range(-999, -993), -88, -77, -888, -777, *range(-9999, -9993)}
_POSITIVE = [
    {7, 8, 9},
    {77, 88, *range(94, 100)},
    {777, 888, *range(994, 1000)},
    {7777, 8888, *range(9994, 10_000)},
    {77_777, 88_888, *range(99_994, 100_000)},
    {777_777, 888_888, *range(999_994, 1_000_000)},
    {9_999_999, 99_999_999, 999_999_999},
]
_ORDERED = re.compile(
    r"edu|educ|school|grade|decile|quintile|quartile|percentile|level|rank|stage|agegr|age_?group|income_?(?:cat|group)|likert|freq|"
    r"satisf|agree|health|severity|score|ecog|nyha|apgar|karno|gleason|class(?:e|es)?$|_cat_?ord",
    re.IGNORECASE,
)
_CODED = re.compile(
    r"(?:^|[_.])(?:indp?|occp?|naics|isco|isic|nace|icd\d*|soc|sic|fips|puma|zip|plz|postcode|region|county|state|muni\w*|district|"
    r"canton|land|country|nation\w*|province|gemeinde|code|kode|cd|cat)\d*$|code$|_cat$|_cd$",
    re.IGNORECASE,
)
_FEW = 12
_RARE = 0.01
_CONSTANT = 0.99


def code_suspicions(table: Table) -> list[Suspicion]:
    """What the values of each column suggest."""
    found: list[Suspicion] = []
    for column in table.columns:
        counts = column.counts
        if column.size > 1 and counts.max() >= _CONSTANT * column.n:
            share = f"{counts.max() / column.n:.1%} of its cells are alike"
            found.append(Suspicion(column.name, "near_constant", f"{share}: it holds little information", sure=False))
        if column.kind is Kind.NOMINAL and column.why == "text":
            found += _words(column, counts)
        elif column.kind in (Kind.COUNT, Kind.CONTINUOUS) and column.decimals == 0 and column.dtype.number is not None:
            found += _numbers(column, column.values, counts)
        elif column.kind is Kind.CONTINUOUS and column.dtype.number is not None:
            missing = _missing_codes(column.values, counts)
            if missing:
                found.append(_missing(column, missing, column.values, {"kind": "continuous"}))
    return found


def _words(column: Column, counts: npt.NDArray[np.int64]) -> list[Suspicion]:
    """Texts that are numbers but for a few words."""
    texts = [str(text) for text in column.originals]
    numbers = numbers_in_text(np.array(texts, dtype=object))
    words = [text for text, number in zip(texts, numbers, strict=True) if np.isnan(number)]
    known = [word for word in words if _WORDS.fullmatch(word)]
    rest = ~np.isnan(numbers)
    if not words or len(words) > 3 or len(known) < len(words) or rest.sum() < 2:
        return []
    if any(re.fullmatch(r"0\d+", text) for text in texts):
        text = f"codes with leading zeros beside {_listed(words)}, which may mean missing"
        return [Suspicion(column.name, "missing_codes", text, {"kind": "nominal", "missing_codes": words})]
    order = np.argsort(numbers[rest])
    values, held = numbers[rest][order], counts[rest][order]
    whole = bool((np.rint(values) == values).all())
    kind, why = _kind_of(column.name, values, held) if whole else ("continuous", "")
    codes: list[Any] = [*words, *(_missing_codes(values, held) if kind not in ("nominal", "ordered") else [])]
    spec: dict[str, Any] = {"kind": kind or ("count" if values[0] >= 0 else "continuous"), "missing_codes": codes}
    if kind == "ordered":
        spec["levels"] = [texts[i] for i in np.flatnonzero(rest)[order]]
    message = f"numbers, but for {_listed(words)}, which may mean missing{'; ' + why if why else ''}"
    return [Suspicion(column.name, "missing_codes", message, spec, settles=True)]


def _numbers(column: Column, values: Floats, counts: npt.NDArray[np.int64]) -> list[Suspicion]:
    missing = _missing_codes(values, counts)
    keep = ~np.isin(values, missing)
    kind, why = _kind_of(column.name, values[keep], counts[keep])
    spec: dict[str, Any] = {"kind": kind or ("count" if values[keep].min(initial=0.0) >= 0 else "continuous")}
    found = []
    if kind:
        levels = [int(value) for value in values[keep]] if kind == "ordered" else None
        spec |= {"levels": levels} if levels else {}
        others = _scales(values[keep]) if kind == "nominal" and not _CODED.search(column.name) else ()
        why += ", or the steps of a scale, or a count" if others else ""
        found.append(Suspicion(column.name, "codes", why, spec, others=others))
    elif (others := _scales(values[keep])) and values[keep][0] == 1:  # what begins at 0 counts
        text = f"{len(values[keep])} whole numbers from 1: the steps of a scale, or a count"
        found.append(Suspicion(column.name, "codes", text, others[0], sure=False))
    if missing:
        found.append(_missing(column, missing, values[keep], spec))
    return found


def _scales(values: Floats) -> tuple[dict[str, Any], ...]:
    """What numbers that follow one another, from 0 or 1, are if they are no names: steps of a scale, or a number."""
    first = values[0] if len(values) else np.nan
    if not 3 <= len(values) <= 10 or first not in (0, 1) or (np.diff(values) != 1).any():
        return ()
    return {"kind": "ordered", "levels": [int(value) for value in values]}, {"kind": "count"}


def _missing(column: Column, missing: list[int], rest: Floats, spec: dict[str, Any]) -> Suspicion:
    stand = "stands" if len(missing) == 1 else "stand"
    text = f"{_listed(missing)} {stand} apart from all other values, and may mean missing"
    others = rest[~np.isin(rest, missing)]
    high = [code for code in missing if code >= 0]
    far = not high or min(high) - others.max(initial=0.0) >= max(2.0, float(np.ptp(others)) if len(others) else 0.0)
    return Suspicion(column.name, "missing_codes", text, {**spec, "missing_codes": missing}, sure=far)


def _missing_codes(values: Floats, counts: npt.NDArray[np.int64]) -> list[int]:
    """Values that look like codes of missing: negative ones among others that are not, and isolated ones at the top."""
    below = values[values < 0]
    coded = 0 < len(below) <= 4 and (values >= 0).sum() >= 2 and set(below.tolist()) <= _NEGATIVE
    found = [int(value) for value in below] if coded else []
    rest = values[values >= 0]
    for codes in _POSITIVE:
        high = [value for value in rest if value in codes]
        lower = rest[rest < min(high)] if high else rest[:0]
        if not high or len(lower) < 2 or max(high) != rest[-1] or len(high) != (rest >= min(high)).sum():
            continue
        held = counts[values == min(high)][0]
        if max(codes) == 9 and held <= counts[values == lower[-1]][0] and held < _RARE * counts.sum():
            break  # the tail of a count, which has gaps too
        # The isolated ones: above the largest gap at the top.
        while high and not _isolated(min(high), lower, codes):
            lower = np.append(lower, high.pop(0))
        found += [int(value) for value in high]
        break
    return sorted(found)


def _isolated(code: float, lower: Floats, codes: set[int]) -> bool:
    gap = code - lower[-1]
    steps = np.diff(lower[-20:]) if len(lower) > 1 else np.array([1.0])
    if max(codes) == 9:
        return bool(lower[-1] <= 6 and gap >= 2 and len(lower) >= 2 and float(steps.max()) <= 1)
    # Far from the rest, as seen of the rest's own gaps; and no smooth tail reaches so far.
    return bool(gap > 4 * float(steps.max()) and gap >= 0.2 * max(float(np.ptp(lower)), 1.0) and gap >= 3)


def _kind_of(name: str, values: Floats, counts: npt.NDArray[np.int64]) -> tuple[str, str]:
    """The kind of whole numbers that look like codes, and why; empty strings where they count or measure."""
    size = len(values)
    if size < 2 or (values < 0).any():
        return "", ""
    if _ORDERED.search(name) and size <= 2 * _FEW and values[-1] <= 30 and size > 2:
        return "ordered", f"{size} whole numbers and a name that speaks of an order"
    if _CODED.search(name):
        return "nominal", f"{size} whole numbers and a name that speaks of codes"
    if size == 2:
        return ("nominal", "two whole numbers: codes") if tuple(values) != (0.0, 1.0) else ("", "")
    if size > _FEW or values[-1] > 20:
        return "", ""
    if size <= 4 and values[0] <= 1:
        return "nominal", f"{size} whole numbers: codes"
    rising = np.diff(_without_tail(counts).astype(float))
    peaks = int(np.count_nonzero((np.r_[1.0, rising] > 0) & (np.r_[rising, -1.0] <= 0)))
    if peaks > 1 and not re.match(r"n(?:um|o|r|b)?_?[a-z]|count", name, re.IGNORECASE):
        return "nominal", f"{size} whole numbers that do not count anything (their frequencies rise and fall): codes"
    return "", ""


def _without_tail(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Without the few cells at the upper end, which go up and down by chance."""
    held = np.flatnonzero(counts >= max(2 * _RARE * counts.sum(), 10))
    return counts[: held[-1] + 1] if len(held) else counts


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values))
