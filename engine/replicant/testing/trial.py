"""One method on one kind of column: it is fitted, drawn from, and everything that it must not do is noticed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.methods import Declaration, Response
from replicant.testing.inputs import Rows, Target, given, joined

__all__ = ["BrokenPromise", "Fitted", "Trial", "features", "generator"]


class BrokenPromise(Exception):
    """What a method does that it must not do, in words."""


def generator(*address: int) -> np.random.Generator:
    """A stream for some whole numbers."""
    return np.random.Generator(np.random.PCG64([*address]))


@dataclass(frozen=True, eq=False, slots=True)
class Trial:
    """A method, and what it models here.

    Attributes
    ----------
    declaration
        The method with what it declares.
    kinds
        Of the columns: `numbers`, `binary`, `ordered`, `nominal`; one, or those of a block.
    """

    declaration: Declaration
    kinds: tuple[str, ...]

    @property
    def label(self) -> str:
        """What is tried, in words."""
        proper = getattr(self.declaration.method, "proper", None)
        words = [] if proper is None else ["proper" if proper else "not proper"]
        return ", ".join([" and ".join(self.kinds), *words])

    @property
    def on_clusters(self) -> bool:
        """Whether the method knows of clusters."""
        return self.declaration.works_on == "clusters"

    def fit(
        self,
        y: Sequence[Target],
        x: Rows,
        new: Rows | None = None,
        *,
        weights: npt.NDArray[Any] | None = None,
        seed: int = 1,
        gaps: npt.NDArray[np.bool_] | None = None,
    ) -> Fitted:
        """Fit the method.

        Parameters
        ----------
        y, x
            Columns and predictors of the rows to be fitted on.
        new
            The rows to be drawn; None: the same rows.
        weights
            Repetitions, 0 for rows to leave out.
        seed
            Of the fit.
        gaps
            Rows whose cell is missing, for a method that draws these as well.
        """
        counted = None if weights is None else weights.astype(np.int32)
        size = (x if new is None else new).n
        if self.declaration.works_on == "codes":
            table = x if new is None else joined(x, new)
            if new is not None:
                y = [one.take(np.r_[np.arange(x.n), np.zeros(new.n, dtype=int)]) for one in y]
                gaps = None if gaps is None else np.r_[gaps, np.zeros(new.n, dtype=bool)]
                counted = np.r_[np.ones(x.n) if counted is None else counted, np.zeros(new.n)].astype(np.int32)
            predictors = given("codes", table, table)
            drawn = given("codes", x, table, at=np.arange(x.n)) if new is None else given("codes", new, table)
        else:
            whole, shown = (x, x) if new is None else (joined(x, new), new)
            if counted is not None and (counted == 0).any():
                kept = np.flatnonzero(counted)
                x, counted = x.take(kept), counted[kept]
                y = [one.take(kept) for one in y]
                gaps = None if gaps is None else gaps[kept]
            predictors = given(self.declaration.works_on, x, whole)
            drawn = given(self.declaration.works_on, shown, whole)
        responses = [_with_gaps(one.response(), gaps) if gaps is not None else one.response() for one in y]
        argument: Any = tuple(responses) if self.declaration.block else responses[0]
        with watched("fit", argument, predictors, counted):
            model = self.declaration.method.fit(argument, predictors, counted, generator(seed, 0))
        notes = getattr(model, "notes", ())
        if not isinstance(notes, tuple) or not all(isinstance(word, str) for word in notes):
            raise BrokenPromise("`notes` of the model are not a tuple of words")
        return Fitted(self, model, tuple(y), drawn, size, gaps is not None)


@dataclass(frozen=True, eq=False, slots=True)
class Fitted:
    """A fitted method, with the rows that it is to draw.

    Attributes
    ----------
    trial
        What was fitted.
    model
        What `fit` gave.
    y
        What it was fitted on.
    x, size
        The rows to be drawn, as the method gets them, and how many there are.
    missing
        Whether cells may be drawn as missing.
    """

    trial: Trial
    model: Any
    y: tuple[Target, ...]
    x: Any
    size: int
    missing: bool = False

    def draw(self, seed: int = 1, known: tuple[npt.NDArray[np.int32], ...] | None = None) -> list[npt.NDArray[Any]]:
        """Draw once: for each column (size,) float64 numbers or int32 classes; NaN or -1 where drawn as missing."""
        block = self.trial.declaration.block
        arguments = (self.x, generator(seed, 1), known) if block else (self.x, generator(seed, 1))
        with watched("draw", self.x, known):
            drawn = self.model.draw(*arguments)
        if block and not (isinstance(drawn, tuple) and len(drawn) == len(self.y)):
            raise BrokenPromise("`draw` of a block does not give a tuple with an array for each column")
        return [self._checked(*pair) for pair in zip(self.y, drawn if block else (drawn,), strict=True)]

    def _checked(self, y: Target, drawn: Any) -> npt.NDArray[Any]:
        if not isinstance(drawn, np.ndarray) or drawn.shape != (self.size,):
            raise BrokenPromise(f"`draw` gives {np.shape(drawn)} for {self.size} rows, not an array of ({self.size},)")
        if drawn.dtype == np.float64:
            if y.n_classes:
                raise BrokenPromise("`draw` gives floats for a column of levels, not int32 codes")
            if not np.isfinite(drawn).all():
                raise BrokenPromise("a number that was drawn is not finite")
            return drawn
        if drawn.dtype != np.int32:
            raise BrokenPromise(f"`draw` gives {drawn.dtype}, neither int32 codes nor float64 numbers")
        support = y.support
        if len(drawn) and (drawn.min() < (-1 if self.missing else 0) or drawn.max() >= len(support)):
            raise BrokenPromise("a code that was drawn is not one of the column")
        if y.n_classes:
            return drawn
        return np.where(drawn < 0, np.nan, support[np.maximum(drawn, 0)])


@contextmanager
def watched(what: str, *arguments: Any) -> Iterator[None]:
    """Notice warnings, exceptions, and changed arguments."""
    arrays = [array for one in arguments for array in _arrays(one)]
    before = [array.copy() for array in arrays]
    with warnings.catch_warnings(record=True) as caught, np.errstate(divide="warn", over="warn", invalid="warn"):
        warnings.simplefilter("always")
        try:
            yield
        except BrokenPromise:
            raise
        except Exception as error:
            raise BrokenPromise(f"`{what}` raised {type(error).__name__}: {error}") from error
    if caught:
        first = caught[0]
        raise BrokenPromise(f"`{what}` warned ({first.category.__name__}: {first.message})")
    if not all(np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f") for pair in zip(arrays, before, strict=True)):
        raise BrokenPromise(f"`{what}` changed what it was given")


def features(y: Sequence[Target], drawn: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """(size, q) the columns as numbers: themselves, or a 0 or 1 for each level but the first."""
    matrix = []
    for target, values in zip(y, drawn, strict=True):
        if target.n_classes:
            matrix += [values == level for level in range(1, target.n_classes)]
        else:
            matrix.append(values)
    return np.column_stack(matrix).astype(np.float64)


def _with_gaps(response: Response, gaps: npt.NDArray[np.bool_]) -> Response:
    """The response with missing cells, as the engine gives it: a class of its own, or any number."""
    codes = np.where(gaps, np.int32(-1), response.codes)
    if response.numbers is not None:
        return Response(codes, numbers=np.where(gaps, response.numbers[~gaps].mean(), response.numbers))
    classes = np.where(gaps, np.int32(response.n_classes), response.codes)
    return Response(codes, classes=classes, n_classes=response.n_classes + 1)


def _arrays(one: Any) -> Iterator[npt.NDArray[Any]]:
    """All arrays in what a method is given."""
    if isinstance(one, np.ndarray):
        yield one
    elif isinstance(one, tuple):
        for inner in one:
            yield from _arrays(inner)
    elif is_dataclass(one):
        for field in fields(one):
            yield from _arrays(getattr(one, field.name))
