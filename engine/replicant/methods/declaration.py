"""What a method declares: the engine asks this, and never the name of a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, Literal, get_type_hints

import numpy as np
from pydantic import ConfigDict, ValidationError, create_model

from replicant.errors import SpecError
from replicant.spec.document import Document
from replicant.spec.explain import explain
from replicant.table.kinds import Kind

__all__ = ["VARIABLES", "Declaration", "Origin"]

VARIABLES = frozenset(Kind) - {Kind.IDENTIFIER}
"""The kinds of columns that measure something."""

SECONDS_PER_CELL = 1e-7  # one predictor of one row, put into a frame or a design matrix


class Origin(StrEnum):
    """Where the cells of a column come from."""

    MODEL = "model"
    """They are drawn from a model that is fitted."""
    OBSERVED = "observed"
    """They are left as observed."""
    COMPUTED = "computed"
    """They follow from other columns of the same set."""
    NEW = "new"
    """They are made up, and equal to none that is observed."""


def _per_cell(rows: Any, predictors: Any, levels: Any) -> Any:
    return SECONDS_PER_CELL * rows * (predictors + 1.0) * np.maximum(levels, 1)


@dataclass(frozen=True, eq=False, slots=True)
class Declaration:
    """A method under its name, with what it declares.

    All but the first three are attributes of the method itself, with the same names and these defaults.

    Attributes
    ----------
    name
        What `method:` calls it.
    method
        Fits a model or, where none is fitted, gives the cells. None for what is computed.
    origin
        Where the cells come from. A method of one's own always fits.
    kinds
        Kinds of columns that it accepts.
    works_on
        What it is given of its predictors: `codes` (`Predictors`), `design`, a (size, q) matrix of numbers, or
        `clusters`, that matrix with the cluster of each row (`Clustered`).
    uses_predictors
        Whether it looks at other columns.
    without_predictors
        The method that replaces it where a column holds one value only or nothing may predict it.
    draws_missing
        Whether it draws missing cells and spikes of a numeric column along with the other values. If not, a tree draws
        where these are, and the method sees the other rows only.
    missing_class
        Whether a missing cell of a categorical column is a class to it, which it draws. If not, a tree draws where they
        are, as for numbers.
    block
        Whether it models several columns together: all those that have it, with the same options (`Block`).
    only_predictor
        Name of its option that holds the one column which may predict.
    parametric
        Whether its fits err as the maximum of a likelihood does, so that the variance of an analysis knows of it.
    fit_is_random
        Whether `fit` uses its generator.
    uses_trees
        Whether it runs the compiled tree kernel.
    model_names
        What its models of numbers and of levels are called, for a plan that says why.
    seconds
        Seconds to fit, of the numbers of rows, usable predictors and levels (0: numbers): arrays of one length.
    """

    name: str
    method: Any = None
    origin: Origin = Origin.MODEL
    kinds: frozenset[Kind] = VARIABLES
    works_on: Literal["codes", "design", "clusters"] = "codes"
    uses_predictors: bool = True
    without_predictors: str = ""
    draws_missing: bool = False
    missing_class: bool = True
    block: bool = False
    only_predictor: str = ""
    parametric: bool = False
    fit_is_random: bool = True
    uses_trees: bool = False
    model_names: tuple[str, str] = ("", "")
    seconds: Callable[[Any, Any, Any], Any] = _per_cell

    @property
    def draws_each(self) -> bool:
        """Whether the method itself, and not one that it is derived from, draws for several chains at once."""
        return self.works_on == "design" and not self.block and "draw_each" in vars(type(self.method))

    @classmethod
    def of(cls, name: str, method: object, origin: Origin = Origin.MODEL) -> Declaration:
        """What a method says of itself.

        Parameters
        ----------
        name
            Of the method.
        method
            The method; what it does not say is as by default.
        origin
            Where its cells come from.

        Raises
        ------
        SpecError
            If it says something that cannot be.
        """
        said = {field.name: getattr(method, field.name) for field in fields(cls)[3:] if hasattr(method, field.name)}
        for attribute, value in said.items():
            if isinstance(getattr(_DEFAULT, attribute), bool) and not isinstance(value, bool):
                raise SpecError(f"`{attribute}` of the method {name!r} is neither True nor False", need="True or False")
        if said.get("works_on", "codes") not in {"codes", "design", "clusters"}:
            raise SpecError(f"`works_on` of the method {name!r} has an unknown value", need="codes, design or clusters")
        if not callable(said.get("seconds", _per_cell)):
            raise SpecError(
                f"`seconds` of the method {name!r} cannot be called", need="seconds(rows, predictors, levels) -> number"
            )
        try:
            kinds = frozenset(Kind(kind) for kind in said.get("kinds", VARIABLES))
        except (TypeError, ValueError):
            kinds = frozenset()
        if not kinds:
            raise SpecError(f"`kinds` of the method {name!r} are not kinds", need=f"some of {', '.join(Kind)}")
        return cls(name, method, origin, **{**said, "kinds": kinds})

    def configured(self, column: str, options: Mapping[str, Any]) -> Declaration:
        """The method with other options: fields of its dataclass, of the types that these declare.

        Parameters
        ----------
        column
            Which column they are for.
        options
            Values by name.

        Returns
        -------
        Declaration
            That of the method with these options.

        Raises
        ------
        SpecError
            If the method has no such option, or a value is not one of it.
        """
        if not options:
            return self
        if not is_dataclass(self.method):
            raise SpecError(
                f"options.{column}: the method {self.name!r} has no options",
                need="options of a method that has some",
                fix=f"take options.{column} out, or name another method for {column!r}",
            )
        base: Any = self.method
        types = get_type_hints(type(base), include_extras=True)
        known: dict[str, Any] = {one.name: (types[one.name], getattr(base, one.name)) for one in fields(base)}
        model = create_model(self.name, __base__=_Options, **known)
        try:
            made = model.model_validate(dict(options))
        except ValidationError as error:
            raise explain(error, model, dict(options), section=("options", column)) from None
        method = replace(base, **{name: getattr(made, name) for name in options})
        return Declaration.of(self.name, method, self.origin)

    def made_proper(self, proper: bool) -> Declaration:
        """The method with its parameters drawn, or not, where it can do both.

        Parameters
        ----------
        proper
            Whether they are drawn.

        Returns
        -------
        Declaration
            That of the method so set; itself where it has no such field.
        """
        if getattr(self.method, "proper", proper) == proper:
            return self
        return Declaration.of(self.name, replace(self.method, proper=proper), self.origin)


class _Options(Document):
    """The options of a method; a method of one's own may have types that pydantic does not know."""

    model_config = ConfigDict(arbitrary_types_allowed=True)


_DEFAULT = Declaration("")
