"""The one name that a column cannot have."""

from __future__ import annotations

from collections.abc import Iterable

from replicant.errors import SpecError

__all__ = ["SET_COLUMN", "check_set_column"]

SET_COLUMN = "imputation"
"""Numbers the sets where they stand below one another, and names their folders in a release."""


def check_set_column(names: Iterable[str]) -> None:
    """Refuse data with a column of that name.

    Raises
    ------
    SpecError
        If there is one.
    """
    if SET_COLUMN in names:
        raise SpecError(
            f"the data have a column named {SET_COLUMN!r}",
            need="another name: this one numbers the synthetic sets, in stacked frames and in the folders of a release",
            fix=f"rename the column; `columns: {{wave: {{source: {SET_COLUMN}}}}}` does it as it is read",
        )
