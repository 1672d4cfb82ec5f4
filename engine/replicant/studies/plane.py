"""The plane of utility and disclosure: where each variant of a study lies, and which ones nothing dominates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.report.plane import Axis, Point, undominated
from replicant.studies.arm import SAMPLE

__all__ = ["plane"]


def plane(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first measure of utility and the first of disclosure that a study estimates, by variant.

    Parameters
    ----------
    tables
        The tables of the results.

    Returns
    -------
    dict or None
        `utility` and `disclosure`: the measure, which direction is worse, and the baseline, which is that of real rows.
        `points`: for each variant the two figures with their Monte-Carlo standard errors, and `front`: no other variant
        is as good in both and better in one. None if the study has not both.
    """
    axes = [next((one for one in tables if one["kind"] == kind), None) for kind in ("utility", "disclosure")]
    utility, disclosure = axes
    if utility is None or disclosure is None:
        return None
    (x, y), (xs, ys) = zip(*(_of(one) for one in (utility, disclosure)), strict=True)
    arms = [arm for arm in ys if arm in xs and None not in (xs[arm]["estimate"], ys[arm]["estimate"])]
    lying = [Point(arm, xs[arm]["estimate"], ys[arm]["estimate"]) for arm in arms]
    front = {one.name for one in undominated(lying, *(Axis(one["measure"], worse=one["worse"]) for one in (x, y)))}
    baselines = [ys[arm]["baseline"] for arm in arms if ys[arm].get("baseline") is not None]
    x["baseline"] = xs[SAMPLE]["estimate"] if SAMPLE in xs else None
    y["baseline"] = sum(baselines) / len(baselines) if baselines else None
    points = [
        {
            "arm": arm,
            "utility": xs[arm]["estimate"],
            "utility_error": xs[arm]["estimate_error"],
            "disclosure": ys[arm]["estimate"],
            "disclosure_error": ys[arm]["estimate_error"],
            "front": arm in front,
        }
        for arm in arms
    ]
    return {"utility": x, "disclosure": y, "points": points}


def _of(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Mapping[str, Any]]]:
    """The axis of a table's first measure, and its rows by arm."""
    measure = table["terms"][0]
    from replicant.utility.judge import KINDS, Kind  # a plan reads no figures, and needs no compiler

    worse = KINDS.get(measure, Kind()).worse if table["kind"] == "utility" else "higher"
    axis = {"table": table["name"], "measure": measure, "worse": worse}
    return axis, {row["arm"]: row for row in table["rows"] if row["term"] == measure}
