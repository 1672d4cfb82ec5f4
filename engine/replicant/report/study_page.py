"""A study as one page of HTML: no script, nothing to fetch; it opens offline, prints, and reads in light and dark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicant.report.cells import Cell, coverage, in_words, with_error
from replicant.report.measures import title
from replicant.report.study_distributions import counts, densities, means
from replicant.report.study_panels import Figure
from replicant.report.study_plane import frontier, plane
from replicant.report.study_tables import agreement, tables
from replicant.report.study_terms import bias
from replicant.report.study_terms import coverage as covered
from replicant.report.study_verdict import verdict
from replicant.report.study_view import Arm, Estimand, Study, finite, read
from replicant.view.figures import duration, number, share
from replicant.view.templates import render as fill

__all__ = ["figures", "render"]


@dataclass(frozen=True)
class _Glance:
    """A figure by which arms are compared at once: its name, what it should be, and a cell for each arm."""

    name: str
    target: str
    cells: Sequence[Cell]


def render(document: Mapping[str, Any], run: Mapping[str, Any] | None = None) -> str:
    """The page of a study.

    Parameters
    ----------
    document
        The results, a plain document in the format `replicant-study/2`.
    run
        How the run went: `seconds`, `workers`, `rows_per_second`, `task_share`, `software`; each may be absent.

    Returns
    -------
    str
        A whole page. It holds statistics of the confidential data and is for their owner.

    Raises
    ------
    ReplicantError
        If the document is of another format.
    """
    study, run = read(document), run or {}
    leading, others = figures(study)
    names = dict.fromkeys(name for arm in study.arms for name in arm.settings)
    return fill(
        "report/study.html",
        title=study.title,
        study=study,
        axes=[title(axis["measure"]) for axis in study.axes],
        verdict=verdict(study),
        glance=_glance(study),
        leading=leading,
        figures=others,
        agreement=agreement(study),
        estimands=[(one, _about(study, one), tables(study, one)) for one in study.estimands],
        settings=[
            [name, *(in_words(arm.settings[name]) if name in arm.settings else "" for arm in study.arms)]
            for name in names
        ],
        failed=_failed(study),
        run=_run(run),
        software={str(name): str(version) for name, version in (run.get("software") or {}).items()},
    )


def figures(study: Study) -> tuple[list[Figure], list[Figure]]:
    """The figures that the results have numbers for: those above the tables, and those below them."""
    leading = [covered(study), bias(study)]
    others = [means(study), counts(study), densities(study), plane(study), frontier(study)]
    return [one for one in leading if one.panels], [one for one in others if one.panels]


def _glance(study: Study) -> list[_Glance]:
    level = f"{study.level:g}"
    rows = [
        _Glance(
            "mean coverage",
            level,
            [
                coverage(study.figure(arm, "coverage"), study.figure(arm, "coverage_error"), study.level)
                for arm in study.arms
            ],
        )
    ]
    figures: list[tuple[str, str, str, Callable[[float], str]]] = [
        ("largest_correlation_bias", "largest |correlation bias|", "0", lambda value: number(abs(value), 4)),
        ("pmse_ratio", "pMSE ratio", "1", lambda value: number(value, 2)),
        ("identical_cells", "identical cells", "", share),
        ("identical_rows", "identical rows", "0 %", share),
        ("failed", "failed fits", "0", lambda value: number(value, 0)),
    ]
    for name, words, target, write in figures:
        values = [study.figure(arm, name) for arm in study.arms]
        rows.append(_Glance(words, target, [Cell() if value is None else Cell(write(value)) for value in values]))
    rows += _on_plane(study)
    return [row for row in rows if any(cell.text for cell in row.cells)]


def _on_plane(study: Study) -> list[_Glance]:
    """Utility and disclosure of every arm, with the figures of real rows, and which arms nothing dominates."""
    points = {point["arm"]: point for point in (study.plane or {}).get("points", ())}
    rows = []
    for name, axis in zip(("utility", "disclosure"), study.axes, strict=False):
        cells = [
            with_error(finite(point.get(name)), finite(point.get(f"{name}_error")))
            for point in (points.get(arm.name, {}) for arm in study.arms)
        ]
        target = finite(axis["baseline"])
        rows.append(_Glance(title(axis["measure"]), "" if target is None else f"{target:.3g}", cells))
    if points:
        words = [{True: "no", False: "yes"}.get(points.get(arm.name, {}).get("front"), "") for arm in study.arms]
        rows.append(_Glance("dominated by another", "no", [Cell(word) for word in words]))
    return rows


def _about(study: Study, estimand: Estimand) -> list[tuple[str, str]]:
    labels = {arm.name: arm.label for arm in study.arms}
    facts = []
    for name, value in estimand.about.items():
        words = in_words(value)
        if isinstance(value, Mapping):
            same = set(map(in_words, value.values()))
            # One rule for all arms is written once.
            words = (
                same.pop() if len(same) == 1 else in_words({labels.get(key, key): one for key, one in value.items()})
            )
        facts.append((str(name).replace("_", " "), words))
    return facts


def _failed(study: Study) -> list[list[str]]:
    found: list[tuple[Estimand, Arm]] = [(one, arm) for one in study.estimands for arm in one.arms]
    return [
        [estimand.title, arm.label, f"{count:,} of {study.replicates:,}"]
        for estimand, arm in found
        if (count := estimand.failed(arm))
    ]


def _run(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the run went, as facts with their names."""
    facts = []
    seconds, workers = finite(run.get("seconds")), finite(run.get("workers"))
    if seconds is not None:
        on = f" on {workers:,.0f} worker{'s' if workers != 1 else ''}" if workers else ""
        facts.append(("time", f"{duration(seconds)}{on}{', after a resume' if run.get('resumed') else ''}"))
    for name, words in (("replicates_per_second", "replicates"), ("rows_per_second", "synthetic rows")):
        rate = finite(run.get(name))
        if rate:
            facts.append((words, f"{number(rate, 0 if rate >= 100 else 1)} a second"))
    inside, over = finite(run.get("task_share")), finite(run.get("overhead_share"))
    if over is None and inside is not None:
        over = 1 - inside
    # After a resume there may have been nothing left to do.
    if over is not None and inside != 0:
        facts.append(("workers' time", f"{share(1 - over)} in tasks, {share(over)} in scheduling and waiting"))
    facts += [
        (f"time in {stage}", duration(value))
        for stage, found in (run.get("seconds_by_stage") or {}).items()
        if (value := finite(found))
    ]
    return facts
