"""What a job left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replicant import release
from replicant.events import Event
from replicant.execution.timing import Timing
from replicant.storage.folder import COPIES

__all__ = ["JobResult"]


@dataclass(frozen=True, repr=False)
class JobResult:
    """What a job left behind.

    Attributes
    ----------
    target, internal
        Where the release is, and the folder of its internal manifest.
    files
        Those of the release, but for the manifest.
    events
        What was unusual, and what was done about it.
    summary
        Each column's mean or shares, real beside synthetic, as `summarise` gives them; empty if all that was
        left to do was to tidy up.
    timing
        What its stages took.
    gate
        The record of the gate, with figures of disclosure; None without one.
    wanted
        Of a release that is withheld, where it was to go; empty of others.
    """

    target: str
    internal: str
    files: tuple[release.Record, ...]
    events: tuple[Event, ...]
    summary: dict[str, Any]
    timing: Timing = field(default_factory=Timing)
    gate: Mapping[str, Any] | None = None
    wanted: str = ""

    @property
    def withheld(self) -> bool:
        """Whether the gate does not let the release out."""
        return bool(self.wanted)

    def require(self) -> None:
        """Raise if the release is withheld.

        Raises
        ------
        WithheldError
            With the reasons, and how to decide otherwise.
        """
        if self.gate is not None and self.withheld:
            from replicant.run.candidate import withheld_error

            raise withheld_error(self.gate, self.wanted)

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats in which there are copies."""
        return tuple(dict.fromkeys(file.format for file in self.files if isinstance(file, release.Copy)))

    def text(self) -> str:
        """What `replicant run` prints at its end."""
        from replicant.report import terminal

        size = sum(file.bytes for file in self.files)
        lines = [terminal.render(self.summary).rstrip(), ""] if self.summary else []
        lines += [event.line() for event in self.events]
        if self.gate is not None:
            from replicant.report import gate_text

            lines += [gate_text.render(self.gate), ""]
        if self.withheld:
            lines.append(f"withheld:  {self.target} (for its owner only: never share it)")
            return "\n".join([*lines, f"documents: {self.target.rpartition('/')[0]}/dossier/index.html (the same)"])
        lines += [
            f"release:   {self.target} ({len(self.files)} files, {size:,} bytes)",
            *(f"script:    {self.target}/{file.path}" for file in self.files if isinstance(file, release.Helper)),
            *(f"copies:    {self.target}/{COPIES}/{form}" for form in self.formats),
            f"internal:  {self.internal} (seed and hashes: never share it)",
            f"verify it: replicant verify {self.target}",
        ]
        if self.gate is not None:
            lines.append(f"documents: {self.target}-dossier/index.html")
        return "\n".join(lines)
