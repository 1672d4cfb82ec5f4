"""The results of a study: a document of tables, and the frames made of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.errors import ReleaseError
from replicant.spec.study import EstimandSpec, PublishedSpec
from replicant.studies.arm import SAMPLE
from replicant.studies.bind import SUMMARY
from replicant.studies.description import ROWS_FOUND
from replicant.studies.estimand import Floats, Head
from replicant.studies.model import Study
from replicant.studies.plane import plane
from replicant.studies.published import compare
from replicant.studies.tally import Replicates, Tally

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMAT", "StudyResult", "document"]

FORMAT = "replicant-study/2"
REAL = "real samples"


@dataclass(frozen=True, eq=False, repr=False)
class StudyResult:
    """What a study found. It holds statistics of the confidential data: for the data owner.

    Attributes
    ----------
    document
        All of it, as plain dictionaries: what `results.json` holds.
    run
        How long it took, and on what.
    """

    document: Mapping[str, Any]
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> pd.DataFrame:
        """A row for each arm: mean coverage, largest correlation bias, identical cells, pMSE ratio, failed fits.

        With measures of utility and of disclosure also the first of each, and `front`: nothing dominates the variant.
        """
        import pandas as pd

        return pd.DataFrame(self.document["summary"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """By estimand: a row for each term and arm, its figures each with their Monte-Carlo standard error."""
        import pandas as pd

        return {one["name"]: pd.DataFrame(one["rows"]) for one in self.document["estimands"]}

    @property
    def draws(self) -> dict[str, pd.DataFrame]:
        """Of means and counts: a row for each replicate and arm, a column for each term.

        The first two columns, `arm` and `replicate`, have an underscore behind them where a term has that name.
        """
        import pandas as pd

        made = {}
        for one in self.document["estimands"]:
            if one["draws"]:
                frames = [pd.DataFrame(rows, columns=one["terms"]) for rows in one["draws"].values()]
                names = [_free(name, one["terms"]) for name in ("arm", "replicate")]
                stacked = pd.concat(frames, keys=list(one["draws"]), names=names)
                made[one["name"]] = stacked.reset_index()
        return made

    def to_html(self) -> str:
        """The report: one page that opens offline."""
        from replicant.report.study_page import render

        return render(dict(self.document), dict(self.run) or None)

    def write_html(self, path: str | PathLike[str]) -> None:
        """Write the report.

        Parameters
        ----------
        path
            An HTML file, which opens offline.

        Raises
        ------
        ReleaseError
            If it cannot be written.
        """
        try:
            Path(path).write_text(self.to_html(), encoding="utf-8")
        except OSError as error:
            raise ReleaseError(f"the page cannot be written ({error.strerror})", fix="choose another file") from None

    def __repr__(self) -> str:
        arms = ", ".join(arm["name"] for arm in self.document["arms"])
        return f"<StudyResult of {self.document['replicates']} replicates, arms {arms}>"

    def __str__(self) -> str:
        found = self.summary.dropna(axis=1, how="all").to_string(index=False, float_format=lambda value: f"{value:.4g}")
        on_plane = self.document["plane"]
        return "\n".join([repr(self), found, *([] if on_plane is None else [_said(on_plane)])])

    def _repr_html_(self) -> str:
        import pandas as pd

        from replicant.view.figures import brief
        from replicant.view.fragment import fragment, rows

        head = list(map(str, self.summary.columns))
        body = [
            (str(arm), *(brief(float(value)) if pd.notna(value) else "" for value in values))
            for arm, *values in self.summary.itertuples(index=False)
        ]
        facts = (
            f"{self.document['replicates']:,} replicates, m = {self.document['m']}; write_html() makes the whole page"
        )
        return fragment("Study", facts, rows(head, body, right=range(1, len(head))))


def document(study: Study, heads: Sequence[Head], total: Tally, rows: int, columns: int) -> dict[str, Any]:
    """The results as plain dictionaries; what is not a number is None.

    Parameters
    ----------
    study, heads
        What was done, and the tables it fills.
    total
        The sums over all replicates.
    rows, columns
        Of the table.
    """
    arms = [SAMPLE, *(variant.name for variant in study.variants)]
    events = [str(event) for event in study.events]
    tables = [_table(head, arms, total, study.spec.replicates) for head in heads]
    folder = None if study.spec.reference is None else Path(study.spec.reference)
    asked = _published(study.spec.estimands, tables)
    if folder is not None and asked and not folder.is_dir():
        events.append("the folder of published figures (study.reference) is not there, so its figures are left out")
    elif folder is not None:
        for table, spec in asked:
            table["published"].append(compare(spec, folder, table["rows"]))
    on_plane = plane(tables)
    return {
        "format": FORMAT,
        "title": study.spec.title,
        "note": study.spec.note,
        "data": {"rows": rows, "columns": columns},
        "replicates": study.spec.replicates,
        "m": study.m,
        "level": study.spec.level,
        "samples": study.samples.how,
        "arms": [
            {"name": SAMPLE, "label": REAL, "settings": {}},
            *(
                {
                    "name": one.name,
                    "label": one.name,
                    "settings": {
                        "conditioning": one.plan.conditioning,
                        "fits": one.plan.fits,
                        **{name: _shown(value) for name, value in one.settings.items()},
                    },
                }
                for one in study.variants
            ),
        ],
        "estimands": tables,
        "summary": [{**_summary(arm, tables, total), **_lying(arm, on_plane)} for arm in arms],
        "plane": on_plane,
        "events": events,
    }


def _table(head: Head, arms: Iterable[str], total: Tally, replicates: int) -> dict[str, Any]:
    measured = [arm for arm in arms if (head.name, arm) in total]
    rows = [row for arm in measured for row in _rows(head, arm, total[head.name, arm], replicates)]
    # Terms first, arms within: what is compared stands together.
    order = {term: i for i, term in enumerate(head.terms)}
    rows.sort(key=lambda row: order[row["term"]])
    fields = [name for name in _fields(head) if any(name in row for row in rows)]
    draws = {arm: _plain(total[head.name, arm].draws) for arm in measured} if head.draws else None
    return {
        "name": head.name,
        "title": head.title,
        "kind": head.kind,
        "about": dict(head.about),
        "fields": fields,
        "terms": list(head.terms),
        "rows": rows,
        "draws": draws,
        "published": [],
    }


def _fields(head: Head) -> list[str]:
    first, *rest = head.fields
    return [first, *(["bias"] if head.truth is not None else []), *rest, "difference"]


def _rows(head: Head, arm: str, moments: Replicates, replicates: int) -> list[dict[str, Any]]:
    names = [*head.fields, *(["difference"] if len(moments.mean) > len(head.fields) else [])]
    errors, sd = moments.error, moments.sd
    rows = []
    for t, (term, key) in enumerate(zip(head.terms, head.keys, strict=True)):
        row: dict[str, Any] = {"term": term, "arm": arm, **key}
        row["truth"] = None if head.truth is None else _number(head.truth[t])
        row["replicates"] = int(moments.n[0, t])
        row["failed"] = replicates - row["replicates"]
        row["sd"] = _number(sd[0, t])
        for f, name in enumerate(names):
            there = moments.n[f, t] > 0
            row[name] = _number(moments.mean[f, t]) if there else None
            row[f"{name}_error"] = _number(errors[f, t]) if there else None
            if f == 0 and head.truth is not None:
                row["bias"] = _number(moments.mean[0, t] - head.truth[t]) if there else None
                row["bias_error"] = row[f"{name}_error"]
        rows.append(row)
    return rows


def _published(
    estimands: Sequence[EstimandSpec], tables: Sequence[dict[str, Any]]
) -> list[tuple[dict[str, Any], PublishedSpec]]:
    """Which published figures belong beside which table."""
    own = [table for table in tables if table["kind"] != "scores"]
    scores = {table["about"]["of"]: table for table in tables if table["kind"] == "scores"}
    return [
        (scores[table["name"]] if spec.scores else table, spec)
        for table, estimand in zip(own, estimands, strict=False)
        for spec in estimand.published
    ]


def _summary(arm: str, tables: Sequence[Mapping[str, Any]], total: Tally) -> dict[str, Any]:
    """The figures by which arms are compared at a glance."""

    def rows(kind: str) -> list[dict[str, Any]]:
        return [row for table in tables if table["kind"] == kind for row in table["rows"] if row["arm"] == arm]

    def values(kind: str, name: str) -> list[float]:
        return [row[name] for row in rows(kind) if row.get(name) is not None]

    covered = total.get((SUMMARY, arm))
    biases = [abs(value) for value in values("correlation", "bias")]
    copied = {row["term"]: row for row in rows("copies") if row["estimate"] is not None}
    drawn = [row for row in copied.values() if row.get("drawn")]
    # Levels and counts are often equal by chance; continuous values are not.
    cells = [row["estimate"] for row in drawn if row["kind"] == "continuous"] or [row["estimate"] for row in drawn]
    ratio = [row["estimate"] for row in rows("scores") if row["term"] == "pmse ratio" and row["estimate"] is not None]
    return {
        "arm": arm,
        "coverage": None if covered is None else _number(covered.mean[0, 0]),
        "coverage_error": None if covered is None else _number(covered.error[0, 0]),
        "coverage_terms": len(rows("model")),
        "largest_correlation_bias": max(biases, default=None),
        "identical_cells": sum(cells) / len(cells) if cells else None,
        "identical_rows": copied[ROWS_FOUND]["estimate"] if ROWS_FOUND in copied else None,
        "pmse_ratio": ratio[0] if ratio else None,
        "failed": sum(row["failed"] for kind in ("model", "correlation", "discriminate") for row in rows(kind)),
    }


def _lying(arm: str, on_plane: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where an arm lies on the plane; real samples where their baselines do."""
    if on_plane is None:
        return {}
    axes = ("utility", "disclosure")
    if arm == SAMPLE:
        return {**{axis: on_plane[axis]["baseline"] for axis in axes}, "front": None}
    own: Mapping[str, Any] = next((one for one in on_plane["points"] if one["arm"] == arm), {})
    return {key: own.get(key) for key in (*axes, "front")}


def _said(on_plane: Mapping[str, Any]) -> str:
    """Which variants nothing dominates."""
    arms = ", ".join(one["arm"] for one in on_plane["points"] if one["front"]) or "none"
    return f"By {on_plane['utility']['measure']} and {on_plane['disclosure']['measure']} nothing dominates: {arms}"


def _shown(value: object) -> object:
    """A setting as it is, unless it holds a mask of cells, which only Python can give."""
    try:
        json.dumps(value)
    except TypeError:
        return "a mask"
    return value


def _free(name: str, taken: Sequence[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _number(value: float | np.floating[Any]) -> float | None:
    return float(value) if math.isfinite(value) else None


def _plain(values: Floats) -> list[list[float | None]]:
    return [[_number(value) for value in row] for row in values]
