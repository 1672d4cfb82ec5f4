"""What `rp.gate` returns: a verdict on each check, never one averaged score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from replicant.errors import SpecError
from replicant.evaluation.result import written
from replicant.gate.judge import Check
from replicant.gate.limits import Tier

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from replicant.evaluation import Evaluation

__all__ = ["SCHEMA", "Override", "Verdict"]

SCHEMA = 1
"""Of the record: it rises when a key changes its meaning."""


@dataclass(frozen=True)
class Override:
    """A decision of a person to release in spite of a check.

    Attributes
    ----------
    check
        That failed.
    reason, by, date
        Why, who decided, and when (`2026-11-30`).
    """

    check: str
    reason: str
    by: str
    date: str


@dataclass(frozen=True, eq=False, repr=False)
class Verdict:
    """Whether a release may go out, check by check; for the data owner.

    Attributes
    ----------
    tier
        `public`, `safeguarded` or `secure`.
    checks
        All of them, in the order of the table of limits.
    holdout
        How many real rows were held out, and perhaps their share; None without a holdout.
    utility, disclosure
        The figures that were judged. Confidential.
    overrides
        Decisions to release in spite of a check.
    remedies
        What was tried before, step by step: see `replicant.remedy.Step`.
    """

    tier: Tier
    checks: tuple[Check, ...]
    holdout: Mapping[str, Any] | None = None
    utility: Evaluation | None = None
    disclosure: Evaluation | None = None
    overrides: tuple[Override, ...] = field(default=())
    remedies: tuple[Mapping[str, Any], ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that fail."""
        return tuple(one.name for one in self.checks if one.verdict == "failed")

    @property
    def passed(self) -> bool:
        """Whether no check fails. One that could not be judged does not fail; it has the verdict `not_judged`."""
        return not self.failed

    @property
    def outcome(self) -> Literal["passed", "withheld", "overridden"]:
        """In one word."""
        return "withheld" if self.failed else "overridden" if self.overrides else "passed"

    def __getitem__(self, check: str) -> Check:
        """A check by its name.

        Raises
        ------
        SpecError
            There is none of that name.
        """
        from replicant.errors import nearest

        for one in self.checks:
            if one.name == check:
                return one
        names = [one.name for one in self.checks]
        raise SpecError(f"there is no check {check!r}{nearest(check, names)}", need=f"one of {', '.join(names)}")

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for each check, with the figures that decided. Confidential."""
        import pandas as pd

        names = ["check", "title", "verdict", "value", "low", "high", "end", "limit", "limit_text", "of", "why"]
        return pd.DataFrame([one.as_dict() for one in self.checks])[names]

    def as_dict(self) -> dict[str, Any]:
        """The record of the internal manifest: with values."""
        return self._record([one.as_dict() for one in self.checks])

    def public_dict(self) -> dict[str, Any]:
        """The record of the public manifest: verdicts, limits and reasons, and no figure of disclosure."""
        return self._record([one.public_dict() for one in self.checks])

    def _record(self, checks: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "tier": self.tier,
            "verdict": self.outcome,
            "holdout": None if self.holdout is None else dict(self.holdout),
            "checks": checks,
            "overrides": [asdict(one) for one in self.overrides],
            "remedies": [dict(one) for one in self.remedies],
        }

    def text(self) -> str:
        """The verdict and a line for each check, as the command line prints it."""
        from replicant.report.gate_text import render

        return render(self.as_dict())

    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """One page, with nothing loaded from elsewhere. Confidential: it holds figures of disclosure.

        Parameters
        ----------
        path
            A file to write it to.

        Returns
        -------
        str
            HTML.

        Raises
        ------
        SpecError
            If the file cannot be written.
        """
        from replicant.report.gate_page import render

        return written(path, render(self.as_dict()))

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        from replicant.report.gate_page import fragment

        return fragment(self.as_dict())
