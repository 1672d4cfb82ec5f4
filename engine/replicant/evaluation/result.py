"""What `rp.utility` and `rp.disclosure` return: figures, findings, flags, and how they are shown and kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError, nearest
from replicant.evaluation.figure import Figure
from replicant.events import Event
from replicant.storage.private import write_private

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from replicant.view.plot import Plot

__all__ = ["SCHEMA", "Evaluation", "written"]

SCHEMA = 1
"""Of the JSON: it rises when a key changes its meaning."""


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """How close synthetic sets are to the real table, or what they disclose; for the data owner.

    Attributes
    ----------
    about
        `utility` or `disclosure`.
    figures
        All measures beside their baselines.
    findings
        Differences of columns, types and levels, and whatever else must be known to read the figures.
    left_out
        What was not measured, and why.
    settings
        Rows, sets, effort, keys and targets.
    pictures
        What the pictures show: rounded aggregates, by picture (see `utility_pictures` and `disclosure_pictures`).
    records
        Of disclosure: the records at risk. They are of real people: never part of what is shown.
    """

    about: str
    figures: tuple[Figure, ...]
    findings: tuple[Event, ...] = ()
    left_out: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, Any] = field(default_factory=dict)
    records: pd.DataFrame | None = None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for each figure: `group`, `measure`, `of`, `value`, `spread`, interval, baseline, `p_value`, `flag`."""
        import pandas as pd

        first = ["group", "measure", "of"]
        names = [*first, *(one.name for one in fields(Figure) if one.name not in first)]
        return pd.DataFrame([one.as_dict() for one in self.figures], columns=names)

    @property
    def flags(self) -> tuple[Figure, ...]:
        """The figures that are worse than their baseline beyond chance."""
        return tuple(one for one in self.figures if one.flag)

    @property
    def passed(self) -> bool:
        """Whether there is no flag."""
        return not self.flags

    def __getitem__(self, measure: str) -> Figure:
        """The figure of a measure of the whole table, such as `utility["s_pmse_logit"]`.

        Raises
        ------
        SpecError
            There is none of that name.
        """
        found = [one for one in self.figures if one.measure == measure and not one.group]
        whole = [one for one in found if not one.of] or found
        if not whole:
            names = sorted({one.measure for one in self.figures})
            raise SpecError(
                f"there is no measure {measure!r}{nearest(measure, names)}", need=f"one of {', '.join(names)}"
            )
        if len(whole) > 1:
            raise SpecError(
                f"{measure!r} has {len(whole)} figures: one for each {'group or ' if whole[0].group else ''}column",
                fix=f'.frame.query has them all: frame[frame["measure"] == "{measure}"]',
            )
        return whole[0]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with aggregates only; `evaluating.md` has its keys."""
        return {
            "schema": SCHEMA,
            "about": self.about,
            "passed": self.passed,
            "settings": dict(self.settings),
            "figures": [one.as_dict() for one in self.figures],
            "findings": [one.as_dict() for one in self.findings],
            "left_out": list(self.left_out),
            "pictures": dict(self.pictures),
        }

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """The same as text.

        Parameters
        ----------
        path
            A file to write it to.

        Returns
        -------
        str
            JSON.

        Raises
        ------
        SpecError
            If the file cannot be written.
        """
        return written(path, json.dumps(self.as_dict(), indent=1, ensure_ascii=False))

    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """One page, with nothing loaded from elsewhere.

        Parameters
        ----------
        path
            A file to write it to.

        Returns
        -------
        str
            HTML.
        """
        from replicant.report.evaluation_page import render

        return written(path, render(self.as_dict()))

    def write_records(self, path: str | PathLike[str]) -> None:
        """Write the records at risk as CSV, for their owner only (mode 0600): into an internal folder, or elsewhere.

        Parameters
        ----------
        path
            A file, or a folder that then has `records_at_risk.csv`. It lies in no release.

        Raises
        ------
        SpecError
            If there is no list of records, the file would be part of a release, or it cannot be written.
        """
        if self.records is None:
            raise SpecError(
                f"there are no records at risk to write: this is {self.about}"
                if self.about != "disclosure"
                else "the records at risk were not listed: partitions of a cluster stay there",
                need="a result of rp.disclosure of a table that is read here",
            )
        write_private(path, "records_at_risk.csv", self.records.to_csv(index=False))

    @property
    def plots(self) -> tuple[str, ...]:
        """The pictures that there are, by the names that `plot` takes."""
        from replicant.report.evaluation_pictures import pictured

        return tuple(pictured(self.as_dict()))

    def plot(self, what: str = "", *columns: str | Iterable[str]) -> Plot:
        """Draw one kind of picture.

        Parameters
        ----------
        what
            One of `.plots`, such as `marginals`; the first of them unless given.
        columns
            Of `marginals`: which, at most twelve, as names or lists of names; those that differ most unless given.

        Returns
        -------
        Plot
            A notebook shows it; `.save("age.svg")` keeps it.

        Raises
        ------
        SpecError
            There is no such picture, or no such column.
        """
        from replicant.report.evaluation_pictures import plot

        chosen = [name for one in columns for name in ([one] if isinstance(one, str) else one)]
        return plot(self.as_dict(), what, chosen)

    def __repr__(self) -> str:
        from replicant.report.evaluation_text import render

        return render(self.as_dict())

    def _repr_html_(self) -> str:
        from replicant.report.evaluation_page import fragment

        return fragment(self.as_dict())


def written(path: str | PathLike[str] | None, text: str) -> str:
    """A page or document, which is also written to a file if one is named.

    Raises
    ------
    SpecError
        If the file cannot be written.
    """
    try:
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SpecError(
            f"{path} cannot be written ({error.strerror})", fix="choose another file, or create its folder first"
        ) from None
    return text
