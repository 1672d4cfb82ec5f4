"""The summary as one fragment of HTML: inline SVG and a scoped style, no script, nothing to fetch.

It reads in light and dark, in a notebook or in a page. Each picture has a title and a description, and its
figures stand beside it as text.
"""

from __future__ import annotations

from typing import Any

from replicant.report.words import told
from replicant.view import svg
from replicant.view.figures import axis, share, sized
from replicant.view.fragment import fragment
from replicant.view.markup import escape, shorten

__all__ = ["render"]

WIDTH, HEIGHT = 260, 76  # of a histogram, in SVG units
ROW, LABEL = 20, 112  # of a level

_STYLE = """
.replicant .key{margin-left:auto;display:flex;gap:14px;color:var(--soft)}
.replicant .key svg{vertical-align:-1px;margin-right:5px}
.replicant .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(248px,100%),1fr));gap:10px}
.replicant article{background:var(--card);border:1px solid var(--faint);border-radius:8px;padding:10px 12px;
min-width:0}
.replicant h4{margin:0 0 6px;font-size:13px;font-weight:650;display:flex;justify-content:space-between;gap:8px;
color:var(--ink)}
.replicant h4 b{font-weight:650;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.replicant h4 span{font-weight:400;color:var(--soft)}
.replicant article svg{display:block;width:100%;max-width:340px;height:auto;overflow:visible}
.replicant article text{font:11px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}
.replicant article text.name{fill:var(--ink)}
.replicant .syn{fill:var(--fill)}
.replicant .lane{fill:var(--wash)}
.replicant .observed{fill:none;stroke:var(--mark);stroke-width:1.6;stroke-linejoin:round}
.replicant .base{stroke:var(--faint)}
.replicant article table{width:100%;margin:6px 0 0;font-size:12px}
.replicant article th,.replicant article td{padding:1px 0;text-align:right}
.replicant article th{color:var(--soft)}
.replicant article tr>:first-child{text-align:left}
.replicant .none{color:var(--soft);margin:6px 0}
"""


def render(summary: dict[str, Any], *parts: str) -> str:
    """A fragment to show in a notebook or to place in a page.

    Parameters
    ----------
    summary
        From `summarise`.
    parts
        HTML to stand below.

    Returns
    -------
    str
        One `<section>`; all text from the data is escaped.
    """
    paired = summary["n"] is not None
    m = summary["m"]
    sets = f"{m} synthetic set{'s' if m != 1 else ''} of {summary['k']:,} rows"
    facts = f"{len(summary['columns'])} columns, " + (f"{summary['n']:,} real rows, {sets}" if paired else sets)
    cards = "".join(_card(column) for column in summary["columns"])
    title = "Real beside synthetic" if paired else "Synthetic data"
    return fragment(title, facts, f'<div class="cards">{cards}</div>', *parts, style=_STYLE, aside=_key(paired))


def _key(paired: bool) -> str:
    mark = (
        '<span><svg width="13" height="12" aria-hidden="true">'
        '<path class="observed" d="M1 11V5H6V1H12V11"/></svg>real</span>'
        if paired
        else ""
    )
    return (
        f'<div class="key">{mark}<span><svg width="12" height="12" aria-hidden="true">'
        f'<rect class="syn" y="1" width="12" height="11" rx="2"/></svg>synthetic</span></div>'
    )


def _card(column: dict[str, Any]) -> str:
    name = escape(column["name"])
    head = f'<h4><b title="{name}">{name}</b><span>{escape(column["kind"])}</span></h4>'
    if column["type"] == "numeric":
        body = _histogram(column) if column["edges"] else ""
    else:
        body = _levels(column) if column["levels"] else ""
    return f"<article>{head}{body or '<p class=none>no values</p>'}{_table(column)}</article>"


def _histogram(column: dict[str, Any]) -> str:
    real, synthetic = column["real"], column["synthetic"]
    # Each as shares of its own rows: the sets may have another number of rows than the real table.
    drawn = _shares(synthetic["counts"])
    outline = _shares(real["counts"]) if real else []
    top = max([*drawn, *outline, 1e-12])
    floor, step = HEIGHT - 16, WIDTH / len(drawn)
    gap = min(1.0, step * 0.12)
    bars = "".join(
        f'<rect class="syn" x="{i * step + gap / 2:.1f}" y="{floor - height:.1f}" '
        f'width="{step - gap:.1f}" height="{height:.1f}"/>'
        for i, part in enumerate(drawn)
        if (height := (floor - 4) * part / top) > 0
    )
    path = ""
    if outline:
        edges = [i * step for i in range(len(outline) + 1)]
        path = f'<path class="observed" d="{svg.steps([(floor - 4) * part / top for part in outline], edges, floor)}"/>'
    low, high = axis(column)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(told(column))}">'
        f"<title>{escape(column['name'])}: histogram</title><desc>{escape(told(column))}</desc>"
        f'{bars}<line class="base" x1="0" x2="{WIDTH}" y1="{floor}" y2="{floor}"/>{path}'
        f'<text x="0" y="{HEIGHT - 3}">{low}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 3}" text-anchor="end">{high}</text></svg>'
    )


def _levels(column: dict[str, Any]) -> str:
    real, synthetic = column["real"], column["synthetic"]
    labels = [*column["levels"], *([f"{column['pooled']:,} more levels"] if column["pooled"] else [])]
    longest = max([*synthetic["shares"], *(real["shares"] if real else []), 1e-12])
    # Long labels take room from the bars.
    left = LABEL if all(shorten(label, LABEL - 10) == label for label in labels) else LABEL + 32
    bar = WIDTH - left - 44
    rows = []
    for i, label in enumerate(labels):
        part, y = synthetic["shares"][i], i * ROW
        width = bar * part / longest
        mark = ""
        if real:
            x = left + bar * real["shares"][i] / longest
            mark = f'<path class="observed" d="M{x:.1f} {y + 2}V{y + 17}"/>'
        said = f"{label}: " + (f"real {share(real['shares'][i])}, " if real else "") + f"synthetic {share(part)}"
        rows.append(
            f"<g><title>{escape(said)}</title>"
            f'<text class="name" x="0" y="{y + 14}">{escape(shorten(label, left - 10))}</text>'
            f'<rect class="lane" x="{left}" y="{y + 4}" width="{bar}" height="11" rx="2"/>'
            f'<rect class="syn" x="{left}" y="{y + 4}" width="{width:.1f}" height="11" rx="2"/>{mark}'
            f'<text x="{WIDTH}" y="{y + 14}" text-anchor="end">{share(part)}</text></g>'
        )
    return (
        f'<svg viewBox="0 0 {WIDTH} {ROW * len(labels)}" role="img" aria-label="{escape(told(column))}">'
        f"<title>{escape(column['name'])}: shares of its levels</title><desc>{escape(told(column))}</desc>"
        f"{''.join(rows)}</svg>"
    )


def _table(column: dict[str, Any]) -> str:
    """The figures as text. Shares stand in the picture already, but for the missing ones and the largest change."""
    real, synthetic = column["real"], column["synthetic"]
    rows: list[list[str]] = []
    if column["type"] == "numeric" and column["edges"]:
        for key in ("mean", "sd"):
            write = sized(column, key)
            rows.append([key, *(write(figures) for figures in (real, synthetic) if figures)])
    if synthetic["missing"] or (real and real["missing"]):
        rows.append(["missing", *(share(figures["missing"]) for figures in (real, synthetic) if figures)])
    if not rows:
        return ""
    head = "".join(f"<th>{word}</th>" for word in ["", *(["real"] if real else []), "synthetic"])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shares(counts: list[float]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]
