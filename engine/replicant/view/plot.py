"""Plots: pictures that a notebook shows and that can be saved, drawn as SVG by nothing but text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from replicant.errors import SpecError
from replicant.view.svg import coordinate, picture
from replicant.view.templates import part, render

__all__ = ["Picture", "Plot"]

GAP = 14  # between pictures of a file, and at its edges


@dataclass(frozen=True)
class Picture:
    """One picture: SVG without its frame.

    Attributes
    ----------
    title
        What it shows.
    description
        The same in words and figures, for those who cannot see it.
    width, height
        In the units of its coordinates.
    body
        Elements of SVG, in the classes of this module.
    """

    title: str
    description: str
    width: float
    height: float
    body: str = field(repr=False)

    def svg(self, offset: tuple[float, float] | None = None) -> Markup:
        """The picture with its frame; `offset` is where it lies in another one."""
        return picture(self.width, self.height, self.title, self.description, self.body, offset)


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
            drawn.append(one.svg((GAP, y)))
            y += one.height + GAP
        size = {"width": coordinate(width), "height": coordinate(y)}
        return render("view/plot.svg", title=self.title, pictures=drawn, **size)

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
        target = Path(path)
        kind = target.suffix.lower()
        if kind not in {".svg", ".html"}:
            raise SpecError(
                f"a plot cannot be saved as {kind or 'a file without an ending'}",
                need=".svg or .html",
                fix="Inkscape, librsvg and browsers make PNG or PDF of SVG",
            )
        text = self.svg if kind == ".svg" else render("view/plot.html", title=self.title, plot=self)
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SpecError(f"the plot cannot be written ({error.strerror})", fix="choose another file") from None

    def __repr__(self) -> str:
        return "\n".join([f"<Plot: {self.title}>", *(f"{one.title}: {one.description}" for one in self.pictures)])

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return str(part("plot", self))
