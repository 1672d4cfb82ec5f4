"""How a bulk ended, and each of its releases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replicant.errors import PartialError, WithheldError
from replicant.events import Event
from replicant.release.bulk_index import INDEX, PAGE

__all__ = ["BulkResult", "Outcome", "inline", "near"]


@dataclass(frozen=True)
class Outcome:
    """How one release ended.

    Attributes
    ----------
    name
        Of the release.
    state
        `released`, `unchanged`, `withheld` by its gate, `failed`, or `unfinished` if the run was stopped.
    reason, public
        Why it failed, or is withheld: in full, and what of it may be known to all.
    fingerprint
        Of the input that was read.
    seconds
        What it took.
    events
        What was unusual in its data, if it was made now.
    """

    name: str
    state: str
    reason: str = ""
    public: str = ""
    fingerprint: str | None = None
    seconds: float = 0.0
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, repr=False)
class BulkResult:
    """What a bulk left behind.

    Attributes
    ----------
    folder, internal
        Where the index is, and the internal one.
    index
        The public index.
    outcomes
        By name, in the order of the bulk.
    seconds
        Of the whole.
    not_compared
        Pairs of neighbours whose comparison failed, with the reason in full.
    """

    folder: str
    internal: str
    index: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    seconds: float
    not_compared: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[Outcome]:
        """Releases that failed, with their reasons."""
        return [one for one in self.outcomes.values() if one.state == "failed"]

    @property
    def withheld(self) -> list[Outcome]:
        """Releases that the gate withholds, with the reasons."""
        return [one for one in self.outcomes.values() if one.state == "withheld"]

    def text(self) -> str:
        """What `replicant run` prints at its end."""
        from replicant.report import bulk_text

        lines = [bulk_text.render(self.index, {name: one.state for name, one in self.outcomes.items()})]
        lines += [
            event.line(name) for name, one in self.outcomes.items() for event in one.events if event.level == "warning"
        ]
        lines += [
            f"time:      {self.seconds:.1f} s",
            f"index:     {near(self.folder)}/{PAGE} and {INDEX}",
            f"internal:  {near(self.internal)} (seeds, hashes and reasons: never share it)",
            f"verify it: replicant verify {near(self.folder)}",
        ]
        return "\n".join(lines)

    def require(self) -> None:
        """Raise if a release or a comparison failed, or a release is withheld.

        Raises
        ------
        PartialError
            Something failed, whatever is withheld: the same line completes the bulk. With the reason of each.
        WithheldError
            All else is there, and the gate withholds a release.
        """
        failed = self.failed
        lines = []
        if failed:
            whole = len(self.outcomes)
            lines.append(f"{len(failed)} of {whole} releases failed, {whole - len(failed)} are there.")
            lines += [f"  {one.name}: {inline(one.reason)}" for one in failed]
        if self.not_compared:
            pairs = len(self.index["drift"])
            lines.append(f"{len(self.not_compared)} of {pairs} comparisons of neighbours failed.")
            lines += [f"  {pair}: {inline(reason)}" for pair, reason in self.not_compared.items()]
        withheld = [f"  {one.name}: {inline(one.reason)}" for one in self.withheld]
        if withheld:
            withheld.insert(0, f"{len(withheld)} of {len(self.outcomes)} releases are withheld by the gate.")
        if not lines and withheld:
            raise WithheldError("\n".join(withheld), need="releases that no check fails")
        if not lines:
            return
        lines += withheld
        raise PartialError(
            "\n".join(lines),
            fix=f"correct the cause, then run the same line again, or replicant resume {near(self.folder)}: "
            "only what is missing or changed is made",
        )


def near(path: str) -> str:
    """A path as one would write it here."""
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(f"{here}/") else path


def inline(reason: str) -> str:
    """A reason on one line."""
    return "; ".join(line.strip() for line in reason.splitlines() if line.strip())
