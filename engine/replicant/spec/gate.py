"""The section `gate` of a job: who gets the release, and what it must show before it goes out."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, field_validator

from replicant.errors import nearest
from replicant.spec.document import Document, Location, Names, Number

__all__ = ["CHECK_NAMES", "DONORS", "GateSpec", "LimitSpec", "Tier"]

Tier: TypeAlias = Literal["public", "safeguarded", "secure"]
CHECK_NAMES = (
    "match_probability",
    "distinct_donors",
    "copied_unique_records",
    "singling_out",
    "linkability",
    "inference",
    "membership",
    "memorisation",
    "attribute_disclosure",
    "confident_guesses",
    "canaries",
    "rules",
    "schema",
    "population",
    "pair_utility",
    "k_marginal",
)


DONORS: dict[Tier, int] = {"public": 10, "safeguarded": 5, "secure": 3}
"""Distinct donors behind a value: ACRO and UK LLC; IHSN; Handbook on Statistical Disclosure Control."""


class LimitSpec(Document):
    """A limit in place of that of the tier.

    Attributes
    ----------
    limit
        The number.
    reason
        Why; needed where it allows more than the tier does.
    """

    limit: Annotated[Number, Field(ge=0)]
    reason: str = ""


def _held_out(value: object) -> object:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not 0 < value <= 0.5:
        raise ValueError("a share above 0 and at most 0.5 (more rows are synthesized than held out) is needed")
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Remedy: TypeAlias = Literal["redraw", "smooth", "swap", "recode", "top_code", "remove"]
Remedies = Annotated[list[Remedy], BeforeValidator(_listed, json_schema_input_type=Remedy | list[Remedy])]
Locations = Annotated[list[Location], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class GateSpec(Document):
    """What a release must show before it goes out. One that does not stays in the internal folder, with exit code 5.

    Attributes
    ----------
    tier
        Who gets it: `public`, `safeguarded` (registered users) or `secure` (a research centre).
    holdout
        A share of the rows (at most 0.5) that is held out by the job, drawn by its seed, and that no model sees; or
        where real rows are that are not synthesized. None: some checks cannot be judged.
    keys, targets, sensitive
        Columns that an intruder knows, that must stay unknown, and that people tell few others. None: proposed.
    limits
        By check, a number in place of that of the tier, or `{limit: 0.1, reason: why}`.
    pairs
        Pairs of columns that matter most.
    earlier
        Earlier releases of the same people.
    population
        How many people share the keys: a table with the keys and a column `count`.
    indicators
        Figures that are published of the table, by name, as `rp.utility` takes them: `{poor: {share: "wage < 1000"}}`.
        The documents of the release say how near the sets come to each.
    effort
        `full`, or `quick` with fewer attacks.
    remedy
        What is tried in turn, if a check fails, until none does or nothing helps: `redraw` (leaves of more records),
        `smooth`, `swap` (cells of rows at risk, with rows like them), `recode` (rare levels), `top_code`, `remove`.
    """

    tier: Tier
    holdout: Annotated[Number | Location | None, BeforeValidator(_held_out)] = None
    keys: Names | None = None
    targets: Names | None = None
    sensitive: Names = Field(default_factory=list)
    limits: dict[str, Annotated[Number, Field(ge=0)] | LimitSpec] = Field(default_factory=dict)
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    earlier: Locations = Field(default_factory=list)
    population: Location | None = None
    indicators: dict[str, dict[str, Any]] = Field(default_factory=dict)
    effort: Literal["quick", "full"] = "full"
    remedy: Remedies = Field(default_factory=list)

    @field_validator("limits", "sensitive", "pairs", "earlier", "indicators", "remedy", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object, info: Any) -> object:
        return ({} if info.field_name in ("limits", "indicators") else []) if value is None else value

    @field_validator("limits")
    @classmethod
    def _checks_are_known(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name not in CHECK_NAMES:
                raise ValueError(f"the name of a check in place of {name!r}{nearest(name, CHECK_NAMES)} is needed")
        return value

    @property
    def donors(self) -> int:
        """Distinct donors behind a value that the gate asks for."""
        said = self.limits.get("distinct_donors", DONORS[self.tier])
        return math.ceil(said.limit if isinstance(said, LimitSpec) else said)

    @property
    def share(self) -> float | None:
        """The share of the rows that the job holds out by itself; None: it holds none out."""
        return self.holdout if isinstance(self.holdout, float) else None

    @property
    def said_limits(self) -> dict[str, Any]:
        """The limits as `rp.gate` takes them."""
        return {str(name): one.model_dump() if isinstance(one, LimitSpec) else one for name, one in self.limits.items()}
