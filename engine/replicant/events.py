"""Events: what was done about something odd but lawful in the data, said in the plan, the result and the manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Event"]


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
    """

    code: str
    column: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Code, column and message by name."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.column}: {self.message}" if self.column else self.message
