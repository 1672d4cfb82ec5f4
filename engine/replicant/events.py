"""Events: unusual but valid findings and how they were handled, for the plan, the result and the manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

__all__ = ["Event", "EventLevel"]

EventLevel: TypeAlias = Literal["note", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One finding that a user should know about, without a cell value.

    Attributes
    ----------
    code
        A stable, machine-readable name, such as `constant_column`.
    column
        The column concerned, or an empty string.
    message
        What was found and what was done.
    level
        `note`, or `warning` for a finding that may do harm if unread, and is shown with `--quiet` too.
    """

    code: str
    column: str
    message: str
    level: EventLevel = "note"

    def as_dict(self) -> dict[str, str]:
        """Code, column, message and level by name."""
        return asdict(self)

    def line(self, release: str = "") -> str:
        """The event as one line of a command's output.

        Parameters
        ----------
        release
            The release concerned, if there are several.

        Returns
        -------
        str
            The level, the release if given, and the message.
        """
        return f"{self.level}: {release}: {self}" if release else f"{self.level}: {self}"

    def __str__(self) -> str:
        return f"{self.column}: {self.message}" if self.column else self.message
