"""Where a job's table is."""

from __future__ import annotations

from pydantic import ConfigDict, model_validator

from replicant.spec.document import Document, Location, given
from replicant.table.reading import Reading

__all__ = ["InputSpec"]


class InputSpec(Document, Reading):
    """Where the table is, and how it is written: what is left out of the latter is recognised from the file.

    Attributes
    ----------
    path
        A file, a folder or a URL.
    dataset
        Instead of it, the name of a built-in table.
    columns
        Which columns, in this order.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [given("path"), given("dataset")],
        },
        frozen=False,
    )

    path: Location | None = None
    dataset: str | None = None
    columns: list[str] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> InputSpec:
        if (self.path is None) == (self.dataset is None):
            raise ValueError("exactly one of path and dataset is needed")
        if self.given and self.path is None:
            raise ValueError(f"a path beside {self.given[0]} is needed")
        return self

    @property
    def reading(self) -> Reading:
        """The keys that say how the table is written."""
        return Reading(**{name: getattr(self, name) for name in self.given})
