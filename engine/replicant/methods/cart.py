"""`cart`: a donor from the leaf of a tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donors import DonorModel
from replicant.methods.protection import Touched
from replicant.methods.smoothed import SmoothedModel, smoothed
from replicant.spec.tree_settings import (
    ClassRisk,
    Complexity,
    Depth,
    Dominance,
    LeafRows,
    LeafRowsOrAuto,
    LeafWeighting,
    Smoothing,
    SplitRows,
    Splits,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from replicant.trees import Features, Halves, Tree

__all__ = ["FEWEST_TO_CHOOSE", "Cart"]

SECONDS_PER_STEP = 4e-9  # growing: one row, one predictor, one level of the tree
SECONDS_TO_CHOOSE = 1e-4  # `minbucket`, however few the rows are
SECONDS_TO_WEIGH = 1e-4  # the donors of leaves, likewise
SECONDS_PER_CELL = 2.5e-8  # of a predictor, in the regression by which they are weighted
CLASSES = 1.3  # a classification tree against a regression tree

FEWEST_TO_CHOOSE = 50
"""Rows without which `minbucket: auto` is 5."""

FEW_ROWS_SIZE = 5

ROWS_TO_CHOOSE = 4000  # of larger tables a sample: one half is grown on, the other is held out
PAIRS = 8  # of halves
HELD_OUT = np.array([7, 12, 20, 30, 50])
UNDERSMOOTHED = (3, 5, 8, 12, 20)
SMALL_GROUP = 5  # rows of a leaf whose split is significant, however large `auto` makes others


@dataclass(frozen=True, slots=True)
class Cart:
    """Classification and regression trees (Breiman et al. 1984; Reiter 2005): a draw is a donor of the row's leaf.

    Attributes
    ----------
    minbucket
        Smallest number of rows in a leaf. `auto`: two fifths of what serves rows held out best, 3 to 20; 5 where there
        are fewer than 50 rows. Where splits are corrected, 5 rows that differ significantly (a rare level, zeros) are
        a leaf, too, however large others are. A leaf that is best for one row smooths too much for the means,
        associations and coefficients of many, over which the noise of small leaves cancels and their bias does not
        (undersmoothing: Goldstein and Messer 1992).
    undersmooth
        Whether `auto` takes two fifths of what serves rows held out best, or all of it, 7 to 50 rows.
    cp
        Complexity: a split must lower the relative error by this much.
    minsplit
        Smallest number of rows a node needs to be split; None: three times `minbucket`, as in rpart.
    maxdepth
        Deepest level of a leaf (the root is level 0).
    class_risk
        What `cp` counts for classes: `gini`, or `misclassified` rows as in rpart.
    splits
        `rpart`: the split that gains most. `corrected`: the one that gains most beyond what the best of as many cuts
        gains by chance; levels that a node has not seen go to a child at random.
    leaf_weights
        `equal`: each donor of the leaf is as likely as any other. `regression`: donors are weighted so that the mean of
        the leaf follows a ridge regression within it (calibration: Deville and Särndal 1992).
    min_donors
        Fewest distinct records in a leaf, whatever `minbucket` is.
    smoothing
        `kernel`: numbers are drawn near those of donors, by a kernel along the ranks of the leaf, which keeps its
        quantiles, and stay within the bounds of the column.
    l_diversity
        Fewest distinct values of the column in a leaf: leaves with fewer are merged into the node above.
    dominance
        So are leaves whose magnitudes but the two largest add up to less than this share of the largest (the p % rule).
    """

    without_predictors: ClassVar[str] = "sample"
    uses_trees: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("regression tree", "classification tree")

    minbucket: LeafRowsOrAuto = 5
    cp: Complexity = 1e-8
    minsplit: SplitRows | None = None
    maxdepth: Depth = 30
    class_risk: ClassRisk = "gini"
    splits: Splits = "rpart"
    leaf_weights: LeafWeighting = "equal"
    undersmooth: bool = True
    min_donors: LeafRows = 1
    l_diversity: LeafRows = 1
    dominance: Dominance = 0.0
    smoothing: Smoothing = "none"

    @property
    def protects(self) -> bool:
        """Whether leaves that fall short are merged."""
        return self.min_donors > 1 or self.l_diversity > 1 or self.dominance > 0

    def of_states(self, min_donors: int) -> Cart:
        """Trees that draw which cells are missing, or a spike: they draw no value, but there is a record behind it."""
        return replace(self, min_donors=max(self.min_donors, min_donors), l_diversity=1, dominance=0.0)

    @property
    def fit_is_random(self) -> bool:
        """Whether rows are held out, to find `minbucket`."""
        return self.minbucket == "auto"

    @property
    def fewest(self) -> int:
        """`minbucket`, or the least that it may be."""
        return max(self.sizes[0] if self.minbucket == "auto" else self.minbucket, self.min_donors)

    @property
    def sizes(self) -> tuple[int, ...]:
        """What `auto` is one of."""
        return UNDERSMOOTHED if self.undersmooth else tuple(HELD_OUT.tolist())

    @property
    def split_rows(self) -> int | None:
        """`minsplit`, or what it is by default; None where it follows from what `minbucket` is found to be."""
        if self.minsplit is not None or self.minbucket == "auto":
            return self.minsplit
        return 3 * max(self.minbucket, self.min_donors)

    def fit(
        self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /
    ) -> DonorModel | SmoothedModel:
        model = self.donors(y, x, weights, rng)
        return smoothed(model, y.numbers) if self.smoothing == "kernel" and y.numbers is not None else model

    def donors(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorModel:
        """As `fit`, whatever is smoothed."""
        # A plan names methods, and needs no compiler.
        from replicant.trees import Least, grow_tree, leaf_weights, merge_leaves, shortcomings

        response = y.numbers if y.classes is None else y.classes
        if response is None:
            raise TypeError("a response holds numbers or classes")
        settings: dict[str, Any] = {
            "n_classes": y.n_classes,
            "weights": weights,
            "cp": self.cp,
            "minsplit": self.minsplit,
            "maxdepth": self.maxdepth,
            "class_risk": self.class_risk,
            "splits": self.splits,
        }
        fewest = None
        if self.minbucket == "auto":
            best = _best_size(x, y, response, settings, rng)
            rows = FEW_ROWS_SIZE if best is None else self.sizes[best]
            fewest = SMALL_GROUP
        else:
            rows = self.minbucket

        def grow(least: int) -> Tree:
            small = None if fewest is None else max(fewest, least)
            return grow_tree(x.features, x.subset, response, minbucket=max(rows, least), fewest=small, **settings)

        # A sample that holds records more than once has as many distinct ones in leaves that are larger by so much.
        often = 1.0 if weights is None else float(weights.sum() / max(np.count_nonzero(weights), 1))
        enough = self.min_donors if self.min_donors == 1 else round(self.min_donors * often)
        tree, touched, fails = grow(enough), None, False
        if self.protects:
            least = Least(self.min_donors, self.l_diversity, self.dominance)
            bare = tree
            tree, fails = merge_leaves(tree, least, x.features, y.codes, y.numbers)
            if x.compared:
                if enough > min(rows, rows if fewest is None else fewest):
                    bare = grow(1)
                short = shortcomings(bare, least, y.codes, y.numbers)
                touched = Touched.of(bare, short, tree, fails, response)
        notes = ("unprotected",) if fails else ()
        given = None
        if self.leaf_weights == "regression":
            given = leaf_weights(
                tree, x.features, x.subset, y.codes, classes=y.classes, n_classes=y.n_classes, weights=weights
            )
        return DonorModel(tree, y.codes, given, notes, touched)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        each = SECONDS_PER_STEP * predictors * np.where(levels > 0, CLASSES, 1.0)
        seconds = each * rows * np.log2(np.maximum(rows / self.fewest, 2.0))
        if self.minbucket == "auto":
            half = np.minimum(rows, ROWS_TO_CHOOSE) / 2
            seconds = seconds + each * (half * np.log2(np.maximum(half / HELD_OUT[0], 2.0)) + rows) + SECONDS_TO_CHOOSE
        if self.leaf_weights == "regression":
            seconds = seconds + SECONDS_PER_CELL * rows * predictors + SECONDS_TO_WEIGH
        return seconds


def _best_size(
    x: Predictors, y: Response, response: npt.NDArray[Any], settings: dict[str, Any], rng: np.random.Generator
) -> int | None:
    """Which of the sizes serves rows held out best; None where too few rows could tell."""
    from replicant.trees import held_out_scores

    if x.features.n < FEWEST_TO_CHOOSE or not x.subset.size:
        return None
    # Halves are sorted by every predictor once, and serve many trees; one pair for all would give all the same error.
    number = int(rng.integers(PAIRS))
    halves = x.features.kept.of("halves", number, lambda: _halves(x.features, number))
    scores = held_out_scores(halves, x.subset, response, codes=y.codes, sizes=HELD_OUT, **settings)
    if scores is None:
        return None
    # Of sizes that serve alike (all of them where nothing can be split) the largest.
    close = scores <= scores.min() + 1e-12 * abs(scores.min())
    return int(np.flatnonzero(close)[-1])


def _halves(features: Features, number: int) -> Halves:
    from replicant.trees import Halves

    rng = np.random.default_rng(number)
    rows = rng.choice(features.n, min(features.n, ROWS_TO_CHOOSE), replace=False)
    half = len(rows) // 2
    return Halves.of(features, rows[:half], rows[half:], rng)
