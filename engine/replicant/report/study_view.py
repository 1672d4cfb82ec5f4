"""A study's results as its page reads them: arms with their marks, estimands with their numbers by term and arm.

Results are a plain document, as JSON holds it: what is not a finite number is None here, whatever it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from replicant.errors import ReplicantError
from replicant.view.markup import SYNTHETIC
from replicant.view.svg import SHAPES, mark, picture

__all__ = ["FORMAT", "REAL", "Arm", "Estimand", "Published", "Study", "finite", "read"]

FORMAT = "replicant-study/2"
REAL = "sample"  # the arm of the real samples

# Of what carries the name of its kind and no title of its own.
_TITLES = {
    "means": "Means",
    "counts": "Counts of categories",
    "densities": "Shares of bins and levels",
    "copies": "Identical cells",
    "utility": "Utility",
    "disclosure": "Disclosure",
}
_SAMPLES = {
    "drawn": "bootstrap samples of",
    "given": "bootstrap samples (given) of",
    "halves": "halves, drawn at random, of",
}
_REAL_SHAPE, *_SHAPES = SHAPES


@dataclass(frozen=True, eq=False)
class Arm:
    """The real samples, or the synthetic sets of one variant.

    Attributes
    ----------
    name, label
        As the results call it, and as people do.
    settings
        What sets it apart.
    style
        Class of its colour.
    shape
        Its mark.
    """

    name: str
    label: str
    settings: Mapping[str, Any]
    style: str
    shape: str

    @property
    def real(self) -> bool:
        """Whether these are the real samples."""
        return self.name == REAL

    @property
    def mark(self) -> Markup:
        """Its mark as a small picture."""
        return picture(14, 12, self.shape, f"The mark of {self.label}.", mark(self.shape, 7, 6, 4))


@dataclass(frozen=True, eq=False)
class Published:
    """Numbers that others published on one arm: by term and field, the value, its error and z, each maybe None."""

    source: str
    arm: str
    values: Mapping[tuple[str, str], tuple[float | None, float | None, float | None]]


@dataclass(frozen=True, eq=False)
class Estimand:
    """What was estimated, with its numbers.

    Attributes
    ----------
    name, title, kind, about
        As the results have them; where there is no title, one is made of the name.
    fields
        The numbers that occur.
    terms
        In the order of the results.
    arms
        Those that have numbers.
    cells
        Rows by term and arm.
    draws
        Per arm, for every replicate a value per term; empty where none were kept.
    published
        What others found.
    """

    name: str
    title: str
    kind: str
    about: Mapping[str, Any]
    fields: tuple[str, ...]
    terms: tuple[str, ...]
    arms: tuple[Arm, ...]
    cells: Mapping[tuple[str, str], Mapping[str, Any]]
    draws: Mapping[str, Sequence[Sequence[float | None] | None]] = field(default_factory=dict)
    published: tuple[Published, ...] = ()

    def cell(self, term: str, arm: Arm) -> Mapping[str, Any]:
        """The row of a term and an arm; empty where there is none."""
        return self.cells.get((term, arm.name), {})

    def value(self, term: str, arm: Arm, name: str) -> float | None:
        """One number."""
        return finite(self.cell(term, arm).get(name))

    def error(self, term: str, arm: Arm, name: str) -> float | None:
        """The Monte-Carlo standard error of one number."""
        return self.value(term, arm, f"{name}_error")

    def truth(self, term: str) -> float | None:
        """The value on the full data."""
        return next((found for arm in self.arms if (found := self.value(term, arm, "truth")) is not None), None)

    def extra(self, term: str, name: str) -> str:
        """What else names a term: its column, statistic, level."""
        return next((str(row[name]) for arm in self.arms if (row := self.cell(term, arm)).get(name) is not None), "")

    def failed(self, arm: Arm) -> int:
        """Replicates without a result, at the term where they are most."""
        return max((int(self.value(term, arm, "failed") or 0) for term in self.terms), default=0)


@dataclass(frozen=True, eq=False)
class Study:
    """All of it."""

    title: str
    note: str
    level: float
    replicates: int
    m: int
    rows: int
    columns: int
    samples: str
    arms: tuple[Arm, ...]
    estimands: tuple[Estimand, ...]
    summary: Mapping[str, Mapping[str, Any]]
    events: tuple[str, ...]
    plane: Mapping[str, Any] | None = None

    @property
    def axes(self) -> list[Mapping[str, Any]]:
        """Of the plane: utility, then disclosure; empty where there is none."""
        return [self.plane[axis] for axis in ("utility", "disclosure")] if self.plane else []

    @property
    def front(self) -> tuple[str, ...]:
        """Labels of the variants that nothing dominates on the plane of utility and disclosure."""
        known = {point["arm"] for point in (self.plane or {}).get("points", ()) if point["front"]}
        return tuple(arm.label for arm in self.variants if arm.name in known)

    @property
    def variants(self) -> tuple[Arm, ...]:
        """The synthetic arms."""
        return tuple(arm for arm in self.arms if not arm.real)

    @property
    def real(self) -> Arm | None:
        """The arm of the real samples."""
        return next((arm for arm in self.arms if arm.real), None)

    def of(self, *kinds: str) -> list[Estimand]:
        """The estimands of some kinds that have numbers."""
        return [estimand for estimand in self.estimands if estimand.kind in kinds and estimand.arms]

    def figure(self, arm: Arm, name: str) -> float | None:
        """One number of an arm's summary."""
        return finite(self.summary.get(arm.name, {}).get(name))


def finite(value: Any) -> float | None:
    """A number, or None for everything that is not a finite one."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None


def read(document: Mapping[str, Any]) -> Study:
    """A study's results, ready to be shown.

    Raises
    ------
    ReplicantError
        If the results are of another format.
    """
    if document.get("format") != FORMAT:
        raise ReplicantError(
            f"These are not results of a study in the format {FORMAT}.",
            need=f"a document with format: {FORMAT}",
            fix="Make the page with the version of Replicant that made the results.",
        )
    arms = tuple(_arms(document["arms"]))
    data = document["data"]
    return Study(
        title=document.get("title") or "Study of a synthesis",
        note=document.get("note") or "",
        level=float(document["level"]),
        replicates=int(document["replicates"]),
        m=int(document["m"]),
        rows=int(data["rows"]),
        columns=int(data["columns"]),
        samples=_SAMPLES.get(str(document.get("samples")), _SAMPLES["drawn"]),
        arms=arms,
        estimands=tuple(_estimand(entry, arms) for entry in document["estimands"]),
        summary={entry["arm"]: entry for entry in document.get("summary") or ()},
        events=tuple(str(event) for event in document.get("events") or ()),
        plane=document.get("plane"),
    )


def _arms(entries: Sequence[Mapping[str, Any]]) -> list[Arm]:
    arms, variant = [], 0
    for entry in entries:
        name, settings = str(entry["name"]), entry.get("settings") or {}
        label = str(entry.get("label") or name)
        if name == REAL:
            arms.append(Arm(name, label, settings, "real", _REAL_SHAPE))
            continue
        # Five colours and six shapes: thirty variants before two look the same.
        style, shape = SYNTHETIC[variant % len(SYNTHETIC)], _SHAPES[variant % len(_SHAPES)]
        arms.append(Arm(name, label, settings, style, shape))
        variant += 1
    return arms


def _estimand(entry: Mapping[str, Any], arms: tuple[Arm, ...]) -> Estimand:
    cells = {(str(row["term"]), str(row["arm"])): row for row in entry["rows"]}
    with_rows = {arm for _, arm in cells}
    return Estimand(
        name=str(entry["name"]),
        title=str(entry.get("title") or _TITLES.get(str(entry["name"]), entry["name"])),
        kind=str(entry["kind"]),
        about=entry.get("about") or {},
        fields=tuple(entry["fields"]),
        terms=tuple(str(term) for term in entry["terms"]),
        arms=tuple(arm for arm in arms if arm.name in with_rows),
        cells=cells,
        draws=entry.get("draws") or {},
        published=tuple(_published(found) for found in entry.get("published") or ()),
    )


def _published(entry: Mapping[str, Any]) -> Published:
    values = {
        (str(term), str(name)): (finite(found.get("value")), finite(found.get("error")), finite(found.get("z")))
        for term, fields in entry["values"].items()
        for name, found in fields.items()
    }
    return Published(str(entry["source"]), str(entry["arm"]), values)
