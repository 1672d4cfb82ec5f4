"""To how many cells of a synthetic row a record may donate."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from replicant.spec.document import Document, Whole

__all__ = ["DistinctDonors", "Donors", "most_donations"]


class DistinctDonors(Document):
    """A limit on what a record donates to one synthetic row.

    Attributes
    ----------
    distinct
        The most cells of a row that a record donates to, where its leaf offers another record.
    """

    distinct: Annotated[Whole, Field(ge=1, le=1000)]


Donors: TypeAlias = Literal["any", "distinct"] | DistinctDonors
"""`any`: no limit. `distinct`: one cell of a row. `{distinct: n}`: n cells."""


def most_donations(donors: Donors) -> int | None:
    """The most cells of a row that a record donates to; None: no limit."""
    if isinstance(donors, DistinctDonors):
        return donors.distinct
    return 1 if donors == "distinct" else None
