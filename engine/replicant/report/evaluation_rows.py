"""Utility or disclosure as rows of figures, which text and page write in their own ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicant.report.measures import MEASURES, SECTIONS, Form, Measure
from replicant.view.figures import brief, probability, share

__all__ = ["MOST", "Row", "Section", "Theme", "flagged", "sections", "themes", "verdict"]

MOST = 8
"""Rows of one measure that are shown: of columns, pairs and targets the worst."""

_KINDS = {
    "holdout": "holdout",
    "half_splits": "splits of the real rows",
    "permutation": "rows exchanged at random",
    "bootstrap": "bootstrap samples of the real rows",
    "leave_one_out": "real rows, each against the others",
    "control": "control group",
    "theory": "theory",
    "": "",
}


@dataclass(frozen=True)
class Row:
    """One figure in words.

    Attributes
    ----------
    title
        What was measured.
    of
        Of which column, pair, target or term.
    value, baseline, around, kind
        The figure, its baseline, the interval of the baseline, and where it comes from.
    p
        Of a value as bad under the baseline.
    flag
        Whether it is flagged.
    """

    title: str
    of: str
    value: str
    baseline: str
    around: str
    kind: str
    p: str
    flag: bool


@dataclass(frozen=True)
class Section:
    """What belongs together.

    Attributes
    ----------
    title
        Its heading.
    rows
        The figures, flagged ones and the worst first within a measure.
    more
        How many are not shown.
    notes
        What its measures mean, in a sentence each: (title, meaning).
    """

    title: str
    rows: tuple[Row, ...]
    more: int
    notes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Theme:
    """A section in a line.

    Attributes
    ----------
    title
        Its heading.
    figures, judged, flags
        How many figures it has, how many of them have a p, and how many are flagged.
    worst
        The figure that is worst beside its baseline, if any is judged.
    """

    title: str
    figures: int
    judged: int
    flags: int
    worst: Row | None


def verdict(found: Mapping[str, Any]) -> str:
    """What it comes to, in a sentence."""
    judged = [one for one in found["figures"] if one["p_value"] is not None]
    flagged = [one for one in judged if one["flag"]]
    about = "Utility" if found["about"] == "utility" else "Disclosure"
    if not judged:
        return f"{about}: nothing was measured that has a baseline."
    what = "from a second real sample" if found["about"] == "utility" else "beyond what a second real sample shows"
    if not flagged:
        differs = "differs" if found["about"] == "utility" else "is disclosed"
        return f"{about}: none of {len(judged)} figures {differs} {what}."
    names = dict.fromkeys(_measure(one["measure"]).title for one in flagged)
    listed = ", ".join(list(names)[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    verb = (
        ("differs" if len(flagged) == 1 else "differ")
        if found["about"] == "utility"
        else ("is" if len(flagged) == 1 else "are")
    )
    return f"{about}: {len(flagged)} of {len(judged)} figures {verb} {what}: {listed}."


def flagged(found: Mapping[str, Any]) -> list[Row]:
    """The figures that are flagged, the worst first."""
    return [_row(one) for one in sorted(found["figures"], key=_badness) if one["flag"]]


def themes(found: Mapping[str, Any]) -> list[Theme]:
    """Each section in a line."""
    out = []
    for title, by_measure in _by_section(found).items():
        figures = [one for own in by_measure.values() for one in own]
        judged = sorted((one for one in figures if one["p_value"] is not None), key=_badness)
        flags = sum(one["flag"] for one in figures)
        out.append(Theme(title, len(figures), len(judged), flags, _row(judged[0]) if judged else None))
    return out


def sections(found: Mapping[str, Any]) -> list[Section]:
    """The figures by section, in the order of the glossary."""
    return [_section(title, by_measure) for title, by_measure in _by_section(found).items()]


def _by_section(found: Mapping[str, Any]) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    by_section: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for one in found["figures"]:
        measure = _measure(one["measure"])
        by_section.setdefault(measure.section, {}).setdefault(one["measure"], []).append(one)
    order = [*SECTIONS, *(name for name in by_section if name not in SECTIONS)]
    return {name: by_section[name] for name in order if name in by_section}


def _section(title: str, by_measure: Mapping[str, Sequence[Mapping[str, Any]]]) -> Section:
    rows: list[Row] = []
    more, notes = 0, []
    known = [name for name in MEASURES if name in by_measure]
    for name in [*known, *(name for name in by_measure if name not in MEASURES)]:
        figures = sorted(by_measure[name], key=_badness)
        shown = figures[: max(MOST, sum(one["flag"] for one in figures))]
        more += len(figures) - len(shown)
        rows += [_row(one) for one in shown]
        measure = _measure(name)
        if measure.meaning:
            notes.append((measure.title, measure.meaning))
    return Section(title, tuple(rows), more, tuple(notes))


def _badness(one: Mapping[str, Any]) -> tuple[bool, float, float]:
    p = one["p_value"] if one["p_value"] is not None else 1.0
    return not one["flag"], p, -abs(one["value"] or 0.0)


def _row(one: Mapping[str, Any]) -> Row:
    measure = _measure(one["measure"])
    of = " · ".join(part for part in (one["group"], one["of"]) if part)
    around = ""
    if one["baseline_low"] is not None and one["baseline_high"] is not None:
        low, high = one["baseline_low"], one["baseline_high"]
        low = max(low, measure.least)
        around = f"{_written(low, measure.form)} to {_written(high, measure.form)}"
    return Row(
        measure.title,
        of,
        _written(one["value"], measure.form),
        _written(one["baseline"], measure.form),
        around,
        _KINDS[one["baseline_kind"]],
        "" if one["p_value"] is None else probability(one["p_value"]),
        one["flag"],
    )


def _measure(name: str) -> Measure:
    return MEASURES.get(name, Measure(name.replace("_", " "), "Other figures"))


def _written(value: float | None, form: Form) -> str:
    if value is None:
        return ""
    if form == "share":
        return share(value)
    if form == "percent":
        return share(value / 100)
    if form == "count":
        return f"{round(value):,}"
    return brief(value)
