"""The index of a bulk as one page of HTML: what there is, where, in which state, and what changed along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from replicant.report.drift_page import READING
from replicant.report.drift_rows import headline
from replicant.report.drift_tables import comparison
from replicant.report.page import folded, table, unseen, whole
from replicant.view.figures import number, probability
from replicant.view.markup import escape
from replicant.view.svg import EDGE, Scale, line, mark, picture, text, ticks

__all__ = ["render"]

_WIDTH, _HEIGHT, _LEFT = 340, 130, 34
_WORDS = {"released": "released", "failed": "failed", "unfinished": "not finished"}


def render(index: Mapping[str, Any], *, reasons: Mapping[str, str] | None = None, root: str = "") -> str:
    """The page.

    Parameters
    ----------
    index
        The public index.
    reasons
        Why releases failed, in full, for the page of the data's owner; None: the page is for everybody.
    root
        What stands before the paths of releases.
    """
    releases, lines = index["releases"], _lines(index)
    there = [entry for entry in releases if entry["state"] == "released"]
    counts = [f"{len(releases)} releases"] + [
        f"{sum(entry['state'] == state for entry in releases)} {word}"
        for state, word in _WORDS.items()
        if any(entry["state"] == state for entry in releases)
    ]
    size = sum(entry["bytes"] for entry in there)
    rows = sum(entry["m"] * entry["rows"] for entry in there)
    private = (
        '<p class="warning" role="note"><strong>Confidential.</strong> This page tells why releases failed. It is for '
        "the owner of the data and no part of a release.</p>"
        if reasons is not None
        else ""
    )
    links = [("releases", "Releases"), *([("drift", "Drift")] if lines else []), ("about", "About this page")]
    menu = "".join(f'<li><a href="#{place}">{words}</a></li>' for place, words in links)
    return whole(
        index["title"],
        f"<header><h1>{escape(index['title'])}</h1><p>{escape('; '.join(counts))}. {rows:,} synthetic rows in "
        f"{size:,} bytes. Written {escape(_moment(index['updated']))}.</p>{private}{_board(index)}</header>"
        f'<nav aria-label="Contents"><ul>{menu}</ul></nav>'
        f"<main>{_releases(index, reasons, root)}{_drift(index, lines, reasons or {})}</main>{_about(reasons)}",
    )


def _moment(stamp: str) -> str:
    return stamp.replace("T", " ").replace("+00:00", " UTC")


def _badge(entry: Mapping[str, Any]) -> str:
    """A state by shape, colour and word."""
    if entry["state"] == "released":
        return f'<span aria-hidden="true">✓</span>{unseen("released")}'
    sign = "✗" if entry["state"] == "failed" else "…"
    return f'<b class="off"><span aria-hidden="true">{sign}</span>{unseen(_WORDS[entry["state"]])}</b>'


def _board(index: Mapping[str, Any]) -> str:
    """Releases of two axes as a board of marks; nothing for another number of axes."""
    axes = index["axes"]
    if len(axes) != 2:
        return ""
    releases = index["releases"]
    values = [list(dict.fromkeys(entry["values"][axis] for entry in releases)) for axis in axes]
    across, down = (0, 1) if len(values[0]) >= len(values[1]) else (1, 0)
    at = {(entry["values"][axes[across]], entry["values"][axes[down]]): (i, entry) for i, entry in enumerate(releases)}
    head = "".join(f'<th scope="col">{escape(value)}</th>' for value in values[across])
    body = ""
    for row in values[down]:
        cells = ""
        for column in values[across]:
            found = at.get((column, row))
            cells += "<td></td>" if found is None else f'<td><a href="#r{found[0]}">{_badge(found[1])}</a></td>'
        body += f'<tr><th scope="row">{escape(row)}</th>{cells}</tr>'
    caption = f"{axes[down]} by {axes[across]}: ✓ released, ✗ failed, … not finished"
    return table("board", caption, f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody>")


def _releases(index: Mapping[str, Any], reasons: Mapping[str, str] | None, root: str) -> str:
    head = ["release", "state", "sets", "rows", "columns", "files", "bytes", "made on", "manifest sha256"]
    top = "".join(f'<th scope="col">{word}</th>' for word in head)
    body = "".join(_release(i, entry, root) for i, entry in enumerate(index["releases"]))
    failures = "".join(_failure(entry, reasons) for entry in index["releases"] if entry["state"] != "released")
    told = f"<h3>Not released</h3><dl class=facts>{failures}</dl>" if failures else ""
    drawn = table("all", "All releases", f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>")
    return f'<section><h2 id="releases">Releases</h2>{told}{drawn}</section>'


def _release(i: int, entry: Mapping[str, Any], root: str) -> str:
    name = escape(entry["name"])
    if entry["manifest_sha256"] is None:
        named, figures = name, "<td></td>" * 7
    else:
        link = escape(root + quote(entry["path"]))
        named = f'<a href="{link}/_manifest.json">{name}</a>'
        numbers = "".join(f"<td>{entry[key]:,}</td>" for key in ("m", "rows", "columns", "files", "bytes"))
        sha = escape(entry["manifest_sha256"])
        figures = f'{numbers}<td>{escape(entry["created"])}</td><td><code title="{sha}">{sha[:12]}</code></td>'
    earlier = " <small>an earlier one is there</small>" if entry["earlier"] else ""
    state = f"{_badge(entry)} {_WORDS[entry['state']]}{earlier}"
    return f'<tr id="r{i}"><th scope="row">{named}</th><td>{state}</td>{figures}</tr>'


def _failure(entry: Mapping[str, Any], reasons: Mapping[str, str] | None) -> str:
    reason = (reasons or {}).get(entry["name"]) or entry["failure"] or _WORDS[entry["state"]]
    lines = "<br>".join(escape(part) for part in reason.splitlines())
    return f"<dt>{escape(entry['name'])}</dt><dd>{lines}</dd>"


# -------------------------------------------------------------------- drift


def _lines(index: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Comparisons by what their releases share."""
    axis = index["drift_axis"]
    values = {entry["name"]: entry["values"] for entry in index["releases"]}
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for found in index["drift"]:
        rest = [value for key, value in values[found["a"]].items() if key != axis]
        lines.setdefault(", ".join(rest) or "all", []).append(
            {**found, "from": values[found["a"]][axis], "to": values[found["b"]][axis]}
        )
    return lines


def _drift(
    index: Mapping[str, Any], lines: Mapping[str, Sequence[Mapping[str, Any]]], reasons: Mapping[str, str]
) -> str:
    if not lines:
        return ""
    panels = "".join(_panel(name, found) for name, found in lines.items())
    legend = (
        '<ul class="key"><li>pMSE ratio of each to the one before it; the dashed line is 1, no change; bold: p below '
        "0.05</li></ul>"
    )
    parts = [f'<figure>{legend}<div class="panels">{panels}</div></figure>' if panels else ""]
    place = 0
    for name, found in lines.items():
        parts.append(f"<h3>{escape(name)}</h3>")
        for one in found:
            place += 1
            title = f"{one['from']} to {one['to']}"
            if "failure" in one:
                reason = reasons.get(f"{one['a']}, {one['b']}") or one["failure"]
                parts.append(f"<p>{escape(title)}: could not be compared ({escape(reason)}).</p>")
                continue
            parts.append(folded(f"{title}: {headline(one)}", comparison(one, f"d{place}")))
    return (
        f'<section><h2 id="drift">Drift by {escape(str(index["drift_axis"]))}</h2>{READING}{"".join(parts)}</section>'
    )


def _panel(name: str, found: Sequence[Mapping[str, Any]]) -> str:
    """The ratio of each pair of neighbours, one after the other."""
    known = [one for one in found if one.get("whole") and one["whole"]["pmse_ratio"] is not None]
    if not known:
        return ""
    highest = max(one["whole"]["pmse_ratio"] for one in known)
    up = Scale(0.0, max(2.0, highest * 1.1), _HEIGHT - 22, 8)
    along = Scale(-0.5, len(found) - 0.5, _LEFT, _WIDTH - EDGE)
    drawn = [line(_LEFT, up(value), _WIDTH - EDGE, up(value), "grid") for value, _ in ticks(up.low, up.high, 3)]
    drawn += [text(_LEFT - 5, up(value) + 4, label, anchor="end") for value, label in ticks(up.low, up.high, 3)]
    drawn.append(line(_LEFT, up(1.0), _WIDTH - EDGE, up(1.0), "truth"))
    told = []
    for i, one in enumerate(found):
        if one not in known:
            continue
        ratio, p = one["whole"]["pmse_ratio"], one["whole"]["p_value"]
        clear = p is not None and p < 0.05
        dot = mark("circle", along(i), up(ratio), 4.2)
        drawn.append(f'<g class="fill"{"" if clear else " opacity=.45"}>{dot}</g>')
        said = f"{one['from']} to {one['to']}: {number(ratio, 2)}"
        told.append(f"{said}, p {probability(p)}" if p is not None else said)
    every = max(1, -(-len(found) // 6))
    for i in range(0, len(found), every):
        drawn.append(text(along(i), _HEIGHT - 6, str(found[i]["to"])[:9], anchor="middle"))
    drawing = picture(_WIDTH, _HEIGHT, f"{name}: pMSE ratios", f"{'; '.join(told)}.", "".join(drawn))
    return f'<div class="panel"><h4 title="{escape(name)}">{escape(name)}</h4>{drawing}</div>'


def _about(reasons: Mapping[str, str] | None) -> str:
    public = (
        "<p>Every release has a manifest, which says how it was made and lists each of its files with a checksum; its "
        "own checksum stands above. <code>replicant verify</code> with this folder checks all of them. <code>index.json"
        "</code> beside this page says the same to programs.</p>"
    )
    private = (
        "<p>Seeds, hashes of the inputs and the reasons in full are in <code>index.json</code> beside this page.</p>"
    )
    return f'<footer><h2 id="about">About this page</h2>{public if reasons is None else private}</footer>'
