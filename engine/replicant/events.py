"""Events: what was done about something unusual but valid, said in the plan, the result and the manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

__all__ = ["Event", "EventLevel"]

EventLevel: TypeAlias = Literal["note", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One thing a user should know, without a cell value in it.

    Attributes
    ----------
    code
        Stable, machine-readable name, such as `constant_column`.
    column
        The column it is about, or an empty string.
    message
        What was found and what was done.
    level
        `note`, or `warning` for what may do harm if nobody reads it: the command line says it with `--quiet` too.
    """

    code: str
    column: str
    message: str
    level: EventLevel = "note"

    def as_dict(self) -> dict[str, str]:
        """Code, column, message and level by name."""
        return asdict(self)

    def line(self, release: str = "") -> str:
        """Its level and what it says.

        Parameters
        ----------
        release
            The name of the one of many releases it is about.

        Returns
        -------
        str
            A line of a command's output.
        """
        return f"{self.level}: {release}: {self}" if release else f"{self.level}: {self}"

    def __str__(self) -> str:
        return f"{self.column}: {self.message}" if self.column else self.message
