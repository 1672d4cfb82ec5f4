"""What is known of the numbers of a whole column without a look at its cells: where they lie, and how fine they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["Extent", "digits_of_seconds"]

_DAY = 86_400
_DIGITS = (0, 3, 5, 6)
"""Of a second, as the formats of copies hold them."""

_MORE = 9


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the numbers of a column lie.

    Attributes
    ----------
    low, high
        The least and the greatest; None if there is none.
    whole
        Whether all are whole: of dates, whether none has a time of day.
    digits
        Digits after the point of a second: of dates and durations, which are numbers of days.
    """

    low: float | None
    high: float | None
    whole: bool
    digits: int

    @classmethod
    def of(cls, numbers: Floats, days: Floats | None = None) -> Extent:
        """Of ascending numbers; of `days`, where they are some, the digits of seconds are counted."""
        low, high = (float(numbers[0]), float(numbers[-1])) if len(numbers) else (None, None)
        whole = bool((np.floor(numbers) == numbers).all())
        return cls(low, high, whole, 0 if days is None or whole else digits_of_seconds(days))

    def covers(self, number: float) -> bool:
        """Whether a number is between the least and the greatest."""
        return self.low is not None and self.high is not None and self.low <= number <= self.high


def digits_of_seconds(days: Floats) -> int:
    """Digits after the point of a second (0, 3, 5, 6, or 9 for more) that moments or durations, in days, have."""
    seconds = days * _DAY
    # Days in a double have an error of their own, which is no digit.
    error = 4 * _DAY * np.spacing(np.abs(days)) + 1e-12
    for digits in _DIGITS:
        cut = np.rint(seconds * 10.0**digits) / 10.0**digits
        if not (np.abs(cut - seconds) > error).any():
            return digits
    return _MORE
