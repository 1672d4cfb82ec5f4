"""How missing cells are imputed: a section of a job, and the arguments of `rp.impute`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from replicant.spec.document import Document, Names, Whole, list_or_word
from replicant.spec.method import Methods, split_options

__all__ = ["SEQUENCES", "ImputationSpec", "KeptMissing", "Shift"]

SEQUENCES = ("table", "reverse", "monotone", "revmonotone", "random")
"""Visit sequences by name: left to right, right to left, fewest missing cells first, most first, a random one."""

MOST_ITERATIONS = 10_000

_SHIFT = re.compile(r"\s*(?P<sign>[+*-])?\s*(?P<size>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)\s*(?P<unit>sd)?\s*")


@dataclass(frozen=True, slots=True)
class Shift:
    """What is done to imputed numbers, for an analysis of sensitivity to data that are not missing at random.

    Attributes
    ----------
    factor
        What each is multiplied by.
    amount
        What is added then.
    in_sd
        Whether `amount` is in standard deviations of the observed numbers.
    """

    factor: float = 1.0
    amount: float = 0.0
    in_sd: bool = False

    @classmethod
    def parse(cls, value: object) -> Shift:
        """Read `+5`, `-0.2 sd`, `*1.1` or a number.

        Raises
        ------
        ValueError
            It is none of these.
        """
        if isinstance(value, int | float) and not isinstance(value, bool):
            return cls(amount=float(value))
        found = _SHIFT.fullmatch(value) if isinstance(value, str) else None
        if found is None or (found["sign"] == "*" and found["unit"]):
            raise ValueError("an amount such as '+5' or '-0.2 sd', or a factor such as '*1.1', is needed")
        size = float(found["size"])
        if found["sign"] == "*":
            return cls(factor=size)
        return cls(amount=-size if found["sign"] == "-" else size, in_sd=found["unit"] is not None)


class KeptMissing(Document):
    """Cells of a column that stay missing.

    Attributes
    ----------
    when
        The rows, as a condition on other columns, such as `married != 'yes'`; None: all rows.
    codes
        Coded missing values that stay; None: whatever is missing.
    as_, as
        `keep`: they stay as they are.
    """

    model_config = ConfigDict(serialize_by_alias=True, populate_by_name=True)

    when: str | None = None
    codes: list[Any] | None = None
    as_: Literal["keep"] = Field("keep", alias="as")


def _kept(value: object) -> object:
    return {"as": "keep"} if value == "keep" else value


def _shift(value: object) -> object:
    Shift.parse(value)
    return value


class ImputationSpec(Document):
    """How missing cells are imputed, by fully conditional specification (van Buuren 2007).

    Attributes
    ----------
    maxit
        Iterations of each chain.
    method
        One method for all columns, or a method by column, with its options: `{income: {name: pmm, donors: 10}}`. None:
        by kind, as in mice: `pmm` for numbers and dates, `logreg`, `polyreg` and `polr` for binary, nominal and ordered
        columns.
    options
        Of some columns, options of their methods.
    passive
        Columns whose missing cells are computed from others at every visit of these: `{bmi: "wgt / (hgt / 100)**2"}`.
    predictors
        The only columns a column may be predicted from, where the default (all others) is not wanted.
    visit_sequence
        `table` (left to right), `reverse`, `monotone` (fewest missing cells first), `revmonotone`, `random` (an order
        of its own for each chain), or a list of columns.
    where
        Cells to impute: None (the missing ones), rules, rules by column, or masks. Missing cells that it does not
        select stay missing.
    ignore
        Rows that are imputed but not fitted on: a rule or several, or a mask.
    delta
        By column, what is added to its imputed numbers, or what they are multiplied by, at each visit: `+0.2 sd`,
        `-5`, `*1.1`.
    missing
        By column, cells that are missing by design and stay so: `keep`, or `{when: "married != 'yes'", as: keep}`.
    cluster
        The column that says which cluster a row belongs to: methods for multilevel data are then the default.
    random_slopes
        With `cluster`: by column, the predictors that have a random slope.
    cluster_means
        With `cluster`: whether the means of numeric predictors in their cluster are predictors as well.
    """

    maxit: Annotated[Whole, Field(ge=1, le=MOST_ITERATIONS)] = 10
    method: Methods | None = None
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    passive: dict[str, str] = Field(default_factory=dict)
    predictors: dict[str, Names] = Field(default_factory=dict)
    visit_sequence: Annotated[str | list[str], BeforeValidator(list_or_word)] = "table"
    where: Any = None
    ignore: Any = None
    delta: dict[str, Annotated[str | float, BeforeValidator(_shift)]] = Field(default_factory=dict)
    missing: dict[str, Annotated[KeptMissing, BeforeValidator(_kept)]] = Field(default_factory=dict)
    cluster: str | None = None
    random_slopes: dict[str, Names] = Field(default_factory=dict)
    cluster_means: bool = False

    _options = split_options()

    @field_validator("passive", "predictors", "options", "delta", "missing", "random_slopes", mode="before")
    @classmethod
    def _none_is_nothing(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("ignore", mode="before")
    @classmethod
    def _one_rule_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value
