"""Distributions of an evaluation: columns, propensity scores, and the ladder of the k-marginal score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.report.plots import headed
from replicant.view import svg
from replicant.view.figures import axis, share
from replicant.view.plot import Picture
from replicant.view.svg import EDGE, Scale, coordinate, line, mark, text

__all__ = ["as_close", "marginals", "scores"]

WIDTH = 460
RIGHT = WIDTH - EDGE
LEFT, TOP, FLOOR = 44, 40, 190
LABEL, ROW = 150, 22


def marginals(found: Mapping[str, Any], names: Sequence[str], most: int) -> list[Picture]:
    """Columns by name, or else so many that differ most."""
    every = {one["column"]: one for one in found["pictures"].get("marginals", ())}
    order = names or sorted(every, key=lambda name: -_apart(every[name]))[:most]
    return [_bins(every[name]) if "edges" in every[name] else _levels(every[name]) for name in order]


def _apart(column: Mapping[str, Any]) -> float:
    """How far the synthetic shares lie from the real ones, in reaches of a second sample, the mean over all bars."""
    reach: float = sum(high - low for low, high in zip(column["low"], column["high"], strict=True)) / 2
    apart: float = sum(abs(a - b) for a, b in zip(column["real"], column["synthetic"], strict=True))
    return apart / max(reach, 1e-9)


def _words(column: Mapping[str, Any]) -> list[str]:
    """Lines below a picture."""
    pairs = list(zip(column["low"], column["synthetic"], column["high"], strict=True))
    beyond = sum(not low <= middle <= high for low, middle, high in pairs)
    most = max((abs(a - b) for a, b in zip(column["real"], column["synthetic"], strict=True)), default=0.0)
    words = f"{beyond} of {len(pairs)} bars outside the band; largest difference {100 * most:.1f} points"
    real, synthetic = column["missing"]
    return [words, f"missing: real {share(real)}, synthetic {share(synthetic)}"] if real or synthetic else [words]


def _bins(column: Mapping[str, Any]) -> Picture:
    edges = column["edges"]
    name, lines = column["column"], _words(column)
    if len(edges) < 2:
        return headed(name, f"{name}: no values.", 44, [text(0, 34, "no values")], paired=True)
    up = Scale(0.0, 1.05 * max(*column["synthetic"], *column["high"], 1e-9), FLOOR, TOP)
    across = Scale(edges[0], edges[-1], LEFT, RIGHT)
    ends = [across(edge) for edge in edges]
    body = _shares_axis(up, FLOOR)
    body.append(_bars(column["synthetic"], ends, up))
    body.append(_zones(column, ends, up))
    outline = svg.steps([FLOOR - up(one) for one in column["real"]], ends, FLOOR)
    body.append(f'<g class="real"><path class="outline" d="{outline}"/></g>')
    low, high = axis({"labels": column["ends"], "edges": edges, "kind": column["kind"], "tails": column["tails"]})
    body += [text(LEFT, FLOOR + 14, low), text(RIGHT, FLOOR + 14, high, anchor="end")]
    if column["kind"] != "date":
        inner = edges[0] + 0.2 * (edges[-1] - edges[0]), edges[-1] - 0.2 * (edges[-1] - edges[0])
        body += [
            text(across(value), FLOOR + 14, label, anchor="middle")
            for value, label in svg.ticks(edges[0], edges[-1], 4)
            if inner[0] <= value <= inner[1]
        ]
    body += [text(LEFT, FLOOR + 32 + 15 * i, words) for i, words in enumerate(lines)]
    return headed(name, f"{name}: {'; '.join(lines)}.", FLOOR + 23 + 15 * len(lines), body, paired=True)


def _shares_axis(up: Scale, floor: float) -> list[str]:
    body = []
    for value, label in svg.ticks(up.low, 100 * up.high):
        y = up(value / 100)
        body += [line(LEFT, y, RIGHT, y, "grid"), text(LEFT - 6, y + 4, f"{label} %", anchor="end")]
    return body


def _bars(shares: Sequence[float], ends: Sequence[float], up: Scale) -> str:
    bars = "".join(
        f'<rect class="bar" x="{coordinate(ends[i] + 0.5)}" y="{coordinate(up(part))}" '
        f'width="{coordinate(max(ends[i + 1] - ends[i] - 1, 0.5))}" height="{coordinate(up.start - up(part))}"/>'
        for i, part in enumerate(shares)
        if part
    )
    return f'<g class="synthetic">{bars}</g>'


def _zones(column: Mapping[str, Any], ends: Sequence[float], up: Scale) -> str:
    zones = "".join(
        f'<rect class="zone" x="{coordinate(ends[i])}" y="{coordinate(up(high))}" '
        f'width="{coordinate(ends[i + 1] - ends[i])}" height="{coordinate(up(low) - up(high))}"/>'
        for i, (low, high) in enumerate(zip(column["low"], column["high"], strict=True))
    )
    return f'<g class="real">{zones}</g>'


def _levels(column: Mapping[str, Any]) -> Picture:
    name, [words] = column["column"], _words(column)
    scale = Scale(0.0, max(*column["synthetic"], *column["high"], 1e-9), LABEL, RIGHT - 44)
    rows, floor = svg.rows(column["levels"], LABEL - 10, ROW, TOP - 12)
    body, described = [row.label for row in rows], []
    each = zip(column["levels"], rows, *(column[key] for key in ("real", "synthetic", "low", "high")), strict=True)
    for label, row, real, synthetic, low, high in each:
        y = row.middle
        body.append(
            f'<rect class="lane" x="{LABEL}" y="{coordinate(y - 7)}" width="{coordinate(scale.end - LABEL)}" '
            'height="14" rx="2"/>'
            f'<g class="synthetic"><rect class="bar" x="{LABEL}" y="{coordinate(y - 7)}" '
            f'width="{coordinate(scale(synthetic) - LABEL)}" height="14" rx="2"/></g>'
            f'<g class="real"><rect class="zone" x="{coordinate(scale(low))}" y="{coordinate(y - 7)}" '
            f'width="{coordinate(scale(high) - scale(low))}" height="14"/>'
            f"{line(scale(real), y - 9, scale(real), y + 9, 'outline')}</g>"
        )
        body.append(text(WIDTH, y + 4, share(synthetic), anchor="end"))
        described.append(f"{label}: real {share(real)}, synthetic {share(synthetic)}")
    body.append(text(0, floor + 18, words))
    return headed(name, f"{name}: {words}. {'; '.join(described)}.", floor + 24, body, paired=True)


def scores(found: Mapping[str, Any]) -> list[Picture]:
    """The propensity scores of both tables."""
    drawn = found["pictures"].get("propensity")
    if not drawn:
        return []
    edges, middle = drawn["edges"], drawn["share"]
    up = Scale(0.0, 1.05 * max(*drawn["real"], *drawn["synthetic"], 1e-9), FLOOR, TOP)
    across = Scale(edges[0], edges[-1], LEFT, RIGHT)
    ends = [across(edge) for edge in edges]
    body = [*_shares_axis(up, FLOOR), _bars(drawn["synthetic"], ends, up)]
    outline = svg.steps([FLOOR - up(one) for one in drawn["real"]], ends, FLOOR)
    body.append(f'<g class="real"><path class="outline" d="{outline}"/></g>')
    body.append(line(across(middle), TOP, across(middle), FLOOR, "truth"))
    body += [
        text(min(across(value), RIGHT - 10), FLOOR + 14, label, anchor="middle")
        for value, label in svg.ticks(edges[0], edges[-1], 6)
    ]
    body.append(text((LEFT + RIGHT) / 2, FLOOR + 31, "fitted probability to be synthetic", anchor="middle"))
    overlap = sum(min(a, b) for a, b in zip(drawn["real"], drawn["synthetic"], strict=True))
    words = f"The two histograms overlap by {share(min(overlap, 1.0))}. The dashed line is at {middle:g}."
    return [headed("Propensity scores", words, FLOOR + 38, body, paired=True)]


def as_close(found: Mapping[str, Any]) -> list[Picture]:
    """The ladder with the sets' score on it."""
    steps = found["pictures"].get("ladder")
    figures = {one["measure"]: one for one in found["figures"] if not one["of"] and not one["group"]}
    score, close = (figures.get(name, {}).get("value") for name in ("k_marginal", "subsample_share"))
    if not steps or score is None or close is None:
        return []
    shares, values = steps["shares"], steps["scores"]
    across = Scale(0.0, 1.0, LEFT, RIGHT)
    up = Scale.over([*values, score], FLOOR, TOP, pad=0.08)
    body = []
    for value, label in svg.ticks(up.low, min(up.high, 1000.0)):
        body += [line(LEFT, up(value), RIGHT, up(value), "grid"), text(LEFT - 6, up(value) + 4, label, anchor="end")]
    body += [
        text(across(part), FLOOR + 14, f"{100 * part:g} %", anchor="middle" if part < 1 else "end")
        for part in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    points = "L".join(f"{coordinate(across(x))} {coordinate(up(y))}" for x, y in zip(shares, values, strict=True))
    rungs = "".join(mark("circle", across(x), up(y), 3.2) for x, y in zip(shares, values, strict=True))
    body.append(f'<g class="real"><path class="outline" d="M{points}"/>{rungs}</g>')
    x, y = across(close), up(score)
    body.append(line(LEFT, y, x, y, "truth") + line(x, y, x, FLOOR, "truth"))
    body.append(f'<g class="synthetic">{mark("square", x, y, 5)}</g>')
    ends = "more than" if close >= shares[-1] - 1e-9 else "at most" if close <= shares[0] + 1e-9 else ""
    lines = f"score {score:.0f}:", f"as close as {f'{ends} ' if ends else ''}a {100 * close:.0f} % subsample"
    # Below the curve, left or right of the dashed line, where there is space.
    aside, anchor = (x + 10, "start") if close < 0.5 else (x - 10, "end")
    body += [text(aside, FLOOR - 26 + 15 * i, words, anchor=anchor, kind="name") for i, words in enumerate(lines)]
    body.append(text((LEFT + RIGHT) / 2, FLOOR + 31, "share of the real rows that is drawn", anchor="middle"))
    rungs_in_words = "; ".join(f"{100 * x:g} %: {y:.0f}" for x, y in zip(shares, values, strict=True))
    return [
        headed(
            "k-marginal score",
            f"The sets have a {' '.join(lines)}. Subsamples: {rungs_in_words}.",
            FLOOR + 38,
            body,
            paired=True,
        )
    ]
