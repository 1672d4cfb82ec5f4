"""`survival`: donors of a time and its event together, from a tree for censored times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from replicant.errors import SpecError
from replicant.methods.base import Codes, Numbers, Predictors, Response
from replicant.methods.cart import Cart
from replicant.methods.contingency import column_position
from replicant.methods.donors import DonorModel
from replicant.methods.resampling import resampled
from replicant.spec.tree_settings import Complexity, Depth, LeafRows, SplitRows

__all__ = ["Survival", "SurvivalModel", "martingale_residuals"]

NEAREST = 5  # donors of similar time, where the time is known and the event is not


@dataclass(frozen=True, slots=True)
class Survival:
    """A block of a time, whether it ended by an event, and anything that belongs to them: a row gets all of a donor.

    A regression tree is grown on the martingale residuals of a Cox model without predictors (Keles and Segal 2002),
    which are what an event says beyond the hazard that all rows share: it splits where survival differs, as trees for
    censored data do (LeBlanc and Crowley 1992). Donors are the rows of a leaf. Times and events come
    together, so that no time is censored that was not.

    Where one of the two is known, the donor has the same event, or is one of the five whose time is nearest.

    Attributes
    ----------
    event
        Name of the column, or its position in the block, that says whether the event happened: the second of two
        levels, or a number above 0, is yes. By default the only column of levels, or else the second one.
    minbucket, cp, minsplit, maxdepth
        How the tree grows: see `Cart`.
    proper
        Whether the tree is grown on a bootstrap sample of the rows.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date", "ordered", "binary")
    block: ClassVar[bool] = True
    uses_trees: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("survival tree", "survival tree")

    event: str | int = ""
    minbucket: LeafRows = 5
    cp: Complexity = 1e-8
    minsplit: SplitRows | None = None
    maxdepth: Depth = 30
    proper: bool = False

    def fit(
        self, y: tuple[Response, ...], x: Predictors, weights: Codes | None, rng: np.random.Generator, /
    ) -> SurvivalModel:
        event = self._event(y)
        time = 1 - event if event < 2 else 0
        times = y[time].numbers
        if times is None:
            raise SpecError(
                f"the time {y[time].name!r} of a survival block is a column of levels",
                need="a column of numbers or dates",
            )
        complete = np.all([one.codes >= 0 for one in y], axis=0)
        counted = complete.astype(np.int32) if weights is None else np.where(complete, weights, 0).astype(np.int32)
        if not counted.any():
            raise SpecError("no row of a survival block has all of its cells", need="rows with a time and an event")
        if self.proper:
            counted = resampled(len(counted), counted, rng)
        residuals = martingale_residuals(times, _happened(y[event]), counted)
        # The tree looks at all rows of the table, of which these may be some.
        n = x.features.n
        cart = Cart(self.minbucket, self.cp, self.minsplit, self.maxdepth)
        response = Response(np.arange(n, dtype=np.int32), numbers=_at(x.rows, n, residuals, 0.0))
        tree = cart.donors(response, replace(x, size=n, rows=None), _at(x.rows, n, counted, 0), rng)
        return SurvivalModel(tree, tuple(_at(x.rows, n, one.codes, -1) for one in y), time, event)

    def _event(self, y: tuple[Response, ...]) -> int:
        if len(y) < 2:
            raise SpecError("a survival block has one column", need="a time and an event at least")
        if isinstance(self.event, str) and self.event:
            return column_position(y, self.event, "event")
        if isinstance(self.event, int):
            if not 0 <= self.event < len(y):
                raise SpecError(
                    f"`event` is column {self.event} of a block of {len(y)}", need="0 for the first, and so on"
                )
            return self.event
        levels = [position for position, one in enumerate(y) if one.classes is not None]
        return levels[0] if len(levels) == 1 else 1

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return Cart(self.minbucket).seconds(rows, predictors, levels * 0) + 2e-7 * rows


def _at(rows: Codes | None, n: int, values: npt.NDArray[Any], elsewhere: float) -> npt.NDArray[Any]:
    """Values of some rows of a table of n as an array of all; those of all rows as they are."""
    if rows is None:
        return values
    out = np.full(n, elsewhere, dtype=values.dtype)
    out[rows] = values
    return out


def _happened(y: Response) -> npt.NDArray[np.bool_]:
    if y.numbers is not None:
        return np.asarray(y.numbers > 0)
    if y.classes is None:
        raise TypeError("a response holds numbers or classes")
    if y.n_classes > 2 and np.unique(y.classes[y.codes >= 0]).max(initial=0) > 1:
        raise SpecError(f"the event {y.name!r} of a survival block has more than two levels", need="no and yes")
    return np.asarray(y.classes == 1)


def martingale_residuals(
    time: Numbers, happened: npt.NDArray[np.bool_], weights: npt.NDArray[np.integer[Any]]
) -> Numbers:
    """Events less the cumulative hazard at their time, by Nelson and Aalen's estimate over all rows.

    Parameters
    ----------
    time
        (n,) times.
    happened
        (n,) whether they ended by the event; the others are censored.
    weights
        (n,) repetitions of the rows. 0: left out, with residual 0.

    Returns
    -------
    ndarray
        (n,) residuals, whose weighted sum is 0.
    """
    out = np.zeros(len(time))
    used = np.flatnonzero(weights)
    distinct, at = np.unique(time[used], return_inverse=True)
    count = np.bincount(at, weights[used], len(distinct))
    events = np.bincount(at, weights[used] * happened[used], len(distinct))
    at_risk = np.cumsum(count[::-1])[::-1]
    out[used] = happened[used] - np.cumsum(events / at_risk)[at]
    return out


@dataclass(eq=False, slots=True)
class SurvivalModel:
    """A tree whose donors give the cells of all columns of the block.

    Attributes
    ----------
    tree
        Finds donors, as rows of the table.
    codes
        For each column of the block (n,) codes by row of the table.
    time, event
        Which columns these are.
    """

    tree: DonorModel
    codes: tuple[Codes, ...]
    time: int
    event: int

    def draw(self, x: Predictors, rng: np.random.Generator, known: tuple[Codes, ...] | None, /) -> tuple[Codes, ...]:
        """Codes of all columns for each row: those of one donor."""
        donors = self.tree.draw(x, rng)
        if known is not None:
            time, event = known[self.time], known[self.event]
            either = np.flatnonzero((time >= 0) != (event >= 0))
            if either.size:
                leaf, u = self.tree.leaves(x)[either], rng.random(len(either))
                by_event = self._of_same_event(leaf, event[either], u)
                donors[either] = np.where(event[either] >= 0, by_event, self._of_near_time(leaf, time[either], u))
        return tuple(codes[donors] for codes in self.codes)

    def _of_same_event(self, leaf: Codes, event: Codes, u: Numbers) -> Codes:
        """Donors of the leaf with the same event; of any leaf, where there is none; any, where no donor has it."""
        donors, key, span = self._sorted(self.event, event)
        sought = leaf * span + event
        start, end = np.searchsorted(key, sought), np.searchsorted(key, sought, side="right")
        order = np.argsort(key % span, kind="stable")
        of_any = (key % span)[order]
        first, last = np.searchsorted(of_any, event), np.searchsorted(of_any, event, side="right")
        first, last = np.where(last > first, first, 0), np.where(last > first, last, len(donors))
        in_leaf = donors[np.minimum(start + (u * (end - start)).astype(np.int64), len(donors) - 1)]
        of_any_leaf = donors[order][first + (u * (last - first)).astype(np.int64)]
        return np.asarray(np.where(end > start, in_leaf, of_any_leaf))

    def _of_near_time(self, leaf: Codes, time: Codes, u: Numbers) -> Codes:
        """Donors of the leaf: one of those whose times are nearest in rank."""
        donors, key, span = self._sorted(self.time, time)
        first, last = (one[leaf].astype(np.int64) for one in (self.tree.tree.start, self.tree.tree.end))
        width = np.minimum(NEAREST, last - first)
        low = np.clip(np.searchsorted(key, leaf * span + time) - width // 2, first, last - width)
        return np.asarray(donors[low + (u * width).astype(np.int64)])

    def _sorted(self, column: int, sought: Codes) -> tuple[Codes, npt.NDArray[np.int64], np.int64]:
        """The donors by leaf and then by their codes of a column; leaf * span + code of each; and span."""
        from replicant.trees.grow import RIGHT

        tree = self.tree.tree
        leaves = np.flatnonzero(tree.nodes[:, RIGHT] == np.arange(len(tree.nodes)))
        codes = self.codes[column][tree.donors].astype(np.int64)
        span = np.int64(max(codes.max(initial=0), sought.max(initial=0)) + 2)
        key = np.repeat(leaves, tree.end[leaves] - tree.start[leaves]) * span + codes
        order = np.argsort(key, kind="stable")
        return tree.donors[order], key[order], span
