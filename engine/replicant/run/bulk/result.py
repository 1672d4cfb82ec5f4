"""How a bulk ended, and each of its releases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.errors import PartialError
from replicant.release.index import INDEX, PAGE

__all__ = ["BulkResult", "Outcome", "inline", "near"]


@dataclass(frozen=True)
class Outcome:
    """How one release ended.

    Attributes
    ----------
    name
        Of the release.
    state
        `released`, `unchanged`, `failed`, or `unfinished` if the run was stopped.
    reason, public
        Why it failed: in full, and what of it may be known to all.
    stamp
        Of the input that was read.
    seconds
        What it took.
    """

    name: str
    state: str
    reason: str = ""
    public: str = ""
    stamp: str | None = None
    seconds: float = 0.0


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
    """

    folder: str
    internal: str
    index: Mapping[str, Any]
    outcomes: Mapping[str, Outcome]
    seconds: float

    @property
    def failed(self) -> list[Outcome]:
        """Releases that failed, with their reasons."""
        return [one for one in self.outcomes.values() if one.state == "failed"]

    def text(self) -> str:
        """What `replicant run` prints at its end."""
        from replicant.report import bulk_text

        lines = [bulk_text.render(self.index, {name: one.state for name, one in self.outcomes.items()})]
        lines += [
            f"time:      {self.seconds:.1f} s",
            f"index:     {near(self.folder)}/{PAGE} and {INDEX}",
            f"internal:  {near(self.internal)} (seeds, hashes and reasons: never share it)",
            f"verify it: replicant verify {near(self.folder)}",
        ]
        return "\n".join(lines)

    def require(self) -> None:
        """Raise if a release failed.

        Raises
        ------
        PartialError
            With the reason of each.
        """
        failed = self.failed
        if not failed:
            return
        reasons = "\n".join(f"  {one.name}: {inline(one.reason)}" for one in failed)
        whole = len(self.outcomes)
        raise PartialError(
            f"{len(failed)} of {whole} releases failed, {whole - len(failed)} are there.\n{reasons}",
            fix=f"mend the cause, then run the same line again, or replicant resume {near(self.folder)}: "
            "only what is missing or changed is made",
        )


def near(path: str) -> str:
    """A path as one would write it here."""
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(f"{here}/") else path


def inline(reason: str) -> str:
    """A reason on one line."""
    return "; ".join(line.strip() for line in reason.splitlines() if line.strip())
