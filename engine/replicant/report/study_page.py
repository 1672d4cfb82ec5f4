"""A study as one page of HTML: no script, nothing to fetch; it opens offline, prints, and reads in light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.page import whole
from replicant.report.study_figures import figures
from replicant.report.study_tables import agreement, coverage, estimand_tables, plain_table, said
from replicant.report.study_view import Arm, Estimand, Study, finite, read
from replicant.view.figures import duration, number, share
from replicant.view.markup import escape

__all__ = ["render"]


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
    drawn = figures(study)
    return whole(
        study.title,
        f"{_head(study, run)}{_contents(study, bool(drawn))}"
        f"<main>{_reading(study)}{_tables(study)}{_figures(drawn)}</main>{_foot(study, run)}",
    )


def _head(study: Study, run: Mapping[str, Any]) -> str:
    cards = "".join(_card(study, arm) for arm in study.arms)
    note = f"<p>{escape(study.note)}</p>" if study.note else ""
    beside = agreement(study)
    return (
        f"<header><h1>{escape(study.title)}</h1><p>{_done(study)}</p>{note}"
        '<p class="warning" role="note"><strong>Confidential.</strong> This page holds statistics of the confidential '
        "data, among them the true values. It is for the owner of the data and no part of a release.</p>"
        f'<h2 id="glance">At a glance</h2><ul class="cards">{cards}</ul>{_speed(run)}{beside}</header>'
    )


def _done(study: Study) -> str:
    ways = [escape(arm.label) for arm in study.variants]
    sets = f"{study.m} synthetic set{'s' if study.m != 1 else ''}"
    how = (
        f" under each of {len(ways)} variants ({', '.join(ways)})" if len(ways) > 1 else f" ({ways[0]})" if ways else ""
    )
    samples = f"{study.replicates:,} bootstrap sample{'s' if study.replicates != 1 else ''}"
    given = " (given)" if study.given else ""
    return (
        f"{samples}{given} of a table of {study.rows:,} rows and {study.columns:,} columns, each synthesized into "
        f"{sets}{how}; what was estimated on them is compared with the full table."
    )


def _card(study: Study, arm: Arm) -> str:
    found = study.summary.get(arm.name, {})
    facts = []
    covered, terms = finite(found.get("coverage")), finite(found.get("coverage_terms"))
    over = f" <small>of {terms:.0f}</small>" if terms else ""
    marked = coverage(covered, finite(found.get("coverage_error")), study.level)
    facts.append((f"mean coverage{over}", marked))
    for name, words, write in (
        ("largest_correlation_bias", "largest |correlation bias|", lambda value: number(abs(value), 4)),
        ("identical_cells", "identical cells", share),
        ("identical_rows", "identical rows", share),
        ("pmse_ratio", "pMSE ratio", lambda value: number(value, 2)),
        ("failed", "failed fits", lambda value: number(value, 0)),
    ):
        value = finite(found.get(name))
        if value is not None or not arm.real:
            facts.append((words, "–" if value is None else escape(write(value))))
    listed = "".join(f"<dt>{words}</dt><dd>{value}</dd>" for words, value in facts)
    settings = escape(
        said({name: value for name, value in arm.settings.items() if isinstance(value, str | int | float)})
    )
    about = f'<p class="soft">{settings or ("the bootstrap samples themselves" if arm.real else "")}</p>'
    return f'<li class="{arm.style}"><h3>{escape(arm.label)}</h3>{about}<dl>{listed}</dl></li>'


def _speed(run: Mapping[str, Any]) -> str:
    parts = []
    seconds, workers = finite(run.get("seconds")), finite(run.get("workers"))
    if seconds is not None:
        on = f" on {workers:,.0f} worker{'s' if workers != 1 else ''}" if workers else ""
        parts.append(f"{duration(seconds)}{on}{', after a resume' if run.get('resumed') else ''}")
    for name, words in (("replicates_per_second", "replicates"), ("rows_per_second", "synthetic rows")):
        rate = finite(run.get(name))
        if rate is not None:
            parts.append(f"{number(rate, 0 if rate >= 100 else 1)} {words} a second")
    inside, over = finite(run.get("task_share")), finite(run.get("overhead_share"))
    if over is None and inside is not None:
        over = 1 - inside
    if over is not None:
        parts.append(f"{share(over)} of the workers' time went to Dask and to waiting")
    return f"<p>{'; '.join(parts)}.</p>" if parts else ""


def _contents(study: Study, drawn: bool) -> str:
    links = [("reading", "How to read this"), ("tables", "Tables")]
    links += [(f"e{i}", estimand.title) for i, estimand in enumerate(study.estimands)]
    links += [("figures", "Figures")] if drawn else []
    links.append(("about", "About this study"))
    items = "".join(f'<li><a href="#{place}">{escape(words)}</a></li>' for place, words in links)
    return f'<nav aria-label="Contents"><ul>{items}</ul></nav>'


def _reading(study: Study) -> str:
    level = f"{study.level:g}"
    return (
        '<section><h2 id="reading">How to read this</h2>'
        "<p>The <em>truth</em> is a number of the full table. The real samples show how the estimate itself behaves "
        "from one bootstrap sample to the next; each other arm shows what an analyst finds who has only the "
        f"{study.m} synthetic sets made of such a sample, pooled. <em>Bias</em> is the mean estimate minus the truth; "
        "<em>coverage</em> is the share of the confidence intervals that hold the truth, which should be "
        f"{level}; <em>difference</em> is the mean difference from the sample that the sets were made of.</p>"
        "<p>A small ± is the Monte-Carlo standard error: how far the number may be off because there are "
        f"{study.replicates:,} replicates and not infinitely many. "
        f'<b class="off">▼</b> and <b class="off">▲</b> mark a coverage below or above {level} by more than two of '
        "them, or of a perfect interval's where those are larger, "
        '<b class="off">●</b> a number more than three away from a published one (z counts them).</p></section>'
    )


def _tables(study: Study) -> str:
    sections = "".join(
        f'<section><h3 id="e{i}">{escape(estimand.title)}</h3>{_about(study, estimand)}'
        f"{estimand_tables(study, estimand, i)}</section>"
        for i, estimand in enumerate(study.estimands)
    )
    return f'<section><h2 id="tables">Tables</h2>{sections or "<p>Nothing was estimated.</p>"}</section>'


def _about(study: Study, estimand: Estimand) -> str:
    labels = {arm.name: arm.label for arm in study.arms}
    parts = []
    for name, value in estimand.about.items():
        if isinstance(value, Mapping):
            same = set(map(said, value.values()))
            # One rule for all arms is said once.
            words = same.pop() if len(same) == 1 else said({labels.get(key, key): part for key, part in value.items()})
        else:
            words = said(value)
        parts.append(f"{escape(str(name).replace('_', ' '))} <code>{escape(words)}</code>")
    failed = [f"{escape(arm.label)} {count:,}" for arm in estimand.arms if (count := estimand.failed(arm))]
    if failed:
        parts.append(f"failed fits: {', '.join(failed)}")
    return f'<p class="soft">{"; ".join(parts)}</p>' if parts else ""


def _figures(drawn: list[tuple[str, str]]) -> str:
    if not drawn:
        return ""
    parts = "".join(
        f"<section><h3>Figure {i}. {escape(heading)}</h3>{figure}</section>"
        for i, (heading, figure) in enumerate(drawn, 1)
    )
    return f'<section><h2 id="figures">Figures</h2>{parts}</section>'


def _foot(study: Study, run: Mapping[str, Any]) -> str:
    names = list(dict.fromkeys(name for arm in study.arms for name in arm.settings))
    parts = []
    if names:
        rows = [
            [name, *(said(arm.settings[name]) if name in arm.settings else "" for arm in study.arms)] for name in names
        ]
        head = ["setting", *(arm.label for arm in study.arms)]
        parts.append(plain_table("Settings of each arm", "settings", head, rows))
    parts.append(_failures(study))
    if study.events:
        listed = "".join(f"<li>{escape(event)}</li>" for event in study.events)
        parts.append(f"<h3>Events</h3><ul>{listed}</ul>")
    facts = [
        (f"seconds in {escape(str(stage))}", number(value, 1))
        for stage, found in (run.get("seconds_by_stage") or {}).items()
        if (value := finite(found)) is not None
    ]
    facts += [(escape(str(name)), escape(str(version))) for name, version in (run.get("software") or {}).items()]
    if facts:
        listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
        parts.append(f'<h3>Run and software</h3><dl class="facts">{listed}</dl>')
    return f'<footer><h2 id="about">About this study</h2>{"".join(parts)}</footer>'


def _failures(study: Study) -> str:
    rows = [
        [estimand.title, arm.label, f"{count:,} of {study.replicates:,}"]
        for estimand in study.estimands
        for arm in estimand.arms
        if (count := estimand.failed(arm))
    ]
    if not rows:
        return "<p>No fit failed.</p>"
    return plain_table("Failed fits", "failed", ["estimand", "arm", "replicates without a result"], rows)
