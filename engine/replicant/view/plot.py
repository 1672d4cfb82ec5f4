"""Plots: pictures that a notebook shows and that can be saved, drawn as SVG by nothing but text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from replicant.errors import SpecError
from replicant.view.fragment import fragment
from replicant.view.markup import DARK, LIGHT, declare, escape
from replicant.view.svg import coordinate

__all__ = ["Picture", "Plot"]

GAP = 14  # between pictures of a file, and at its edges

# Classes of the marks, within a plot only: `real` and `synthetic` set the colour that the others take.
_MARKS = """
{0} text{{font:11px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}}
{0} text.name{{fill:var(--ink)}}
{0} text.title{{fill:var(--ink);font-size:13px;font-weight:650}}
{0} .real{{--c:var(--mark)}}
{0} .synthetic{{--c:var(--fill)}}
{0} .bar{{fill:var(--c);fill-opacity:.75}}
{0} .lane{{fill:var(--wash)}}
{0} .outline{{stroke:var(--c);stroke-width:1.8;stroke-linejoin:round;fill:none}}
{0} .thin{{stroke:var(--c);stroke-width:1.5;fill:none}}
{0} .dot{{fill:var(--c);stroke:var(--card);stroke-width:.25}}
{0} .real .dot{{fill:var(--card);stroke:var(--c);stroke-width:.45}}
{0} .grid{{stroke:var(--faint);fill:none}}
{0} .truth{{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:4 2.5;fill:none}}
"""
_STYLE = (
    _MARKS.format(".replicant .plot")
    + """
.replicant .plot{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:10px}
.replicant .plot svg{display:block;width:100%;max-width:620px;height:auto;background:var(--card);
border:1px solid var(--faint);border-radius:8px;padding:10px 12px;box-sizing:border-box}
"""
)


@dataclass(frozen=True)
class Picture:
    """One picture: SVG without its frame.

    Attributes
    ----------
    title
        What it shows.
    told
        The same in words and figures, for those who cannot see it.
    width, height
        In the units of its coordinates.
    body
        Elements of SVG, in the classes of this module.
    """

    title: str
    told: str
    width: float
    height: float
    body: str = field(repr=False)


@dataclass(frozen=True, repr=False)
class Plot:
    """Pictures side by side: shown in a notebook, saved by `save`.

    Attributes
    ----------
    title, note
        Of the whole; how it is read.
    pictures
        One or more.
    """

    title: str
    note: str
    pictures: Sequence[Picture]

    @property
    def svg(self) -> str:
        """One SVG document with its style in it, the pictures below one another; light or dark by the reader's wish."""
        width = max(one.width for one in self.pictures) + 2 * GAP
        drawn, y = [], float(GAP)
        for one in self.pictures:
            inner = f'x="{GAP}" y="{coordinate(y)}" width="{coordinate(one.width)}" height="{coordinate(one.height)}"'
            drawn.append(f"<svg {inner} {_described(one)}</svg>")
            y += one.height + GAP
        size = f'width="{coordinate(width)}" height="{coordinate(y)}" viewBox="0 0 {coordinate(width)} {coordinate(y)}"'
        style = (
            f"svg{{{declare(LIGHT)}}}@media (prefers-color-scheme:dark){{svg{{{declare(DARK)}}}}}"
            + _MARKS.format("svg")
            + "svg .paper{fill:var(--card)}"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(self.title)}">'
            f'<style>{style}</style><rect class="paper" width="100%" height="100%"/>{"".join(drawn)}</svg>'
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file.

        Parameters
        ----------
        path
            Ending in `.svg`, or in `.html` for a page with the note below.

        Raises
        ------
        SpecError
            For another ending, or a file that cannot be written.
        """
        place = Path(path)
        kind = place.suffix.lower()
        if kind not in {".svg", ".html"}:
            raise SpecError(
                f"a plot cannot be saved as {kind or 'a file without an ending'}",
                need=".svg or .html",
                fix="Inkscape, librsvg and browsers make PNG or PDF of SVG",
            )
        page = '<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        text = self.svg if kind == ".svg" else f"{page}<title>{escape(self.title)}</title>{self._repr_html_()}"
        try:
            place.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SpecError(f"the plot cannot be written ({error.strerror})", fix="choose another file") from None

    def __repr__(self) -> str:
        return "\n".join([f"<Plot: {self.title}>", *(f"{one.title}: {one.told}" for one in self.pictures)])

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        drawn = "".join(
            f'<svg viewBox="0 0 {coordinate(one.width)} {coordinate(one.height)}" {_described(one)}</svg>'
            for one in self.pictures
        )
        return fragment(self.title, self.note, f'<div class="plot">{drawn}</div>', style=_STYLE)


def _described(one: Picture) -> str:
    """The rest of a picture behind `<svg ...`: its name, its words, its body."""
    return (
        f'role="img" aria-label="{escape(one.title)}"><title>{escape(one.title)}</title>'
        f"<desc>{escape(one.told)}</desc>{one.body}"
    )
