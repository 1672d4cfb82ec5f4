"""A grown tree: what a caller does with the kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from replicant.ranges import Ranges

from .admissible import EVERY, NO_CODES, NO_SYMBOLS, DonorsByCode
from .apply import draw_donors, find_leaves, leaves_of_training_rows
from .features import NO_RANKS, Features
from .grow import ALL_SEEN, MASK, RIGHT, grow
from .growth import NODES, USED, Predictors, start_growth
from .impurity import response_for
from .prune import prune
from .repeated import Likeness, replace_repeated
from .streams import allocate

__all__ = ["Tree", "grow_tree", "likeness", "single_leaf"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]

_ONCE = np.empty(0, dtype=np.int32)
_NO_CHANCE = np.empty(0)


def _nothing() -> npt.NDArray[np.uint32]:
    return np.empty(0, dtype=np.uint32)


@dataclass(frozen=True, eq=False, slots=True)
class Tree:
    """One classification or regression tree whose leaves are ranges of donors.

    Attributes
    ----------
    nodes
        (M, 4) int32 in preorder: see `replicant.trees.grow`.
    start, end
        (M,) int32: a node's donors are `donors[start:end]`.
    donors
        (N,) int32: rows the tree was grown on, leaf by leaf, each as often as its weight.
    pool
        uint32: the level sets of nominal splits.
    seen
        (M,) uint32: what each node has seen of the predictor that splits it; empty where what it has not seen goes to
        the larger child.
    """

    nodes: Int32
    start: Int32
    end: Int32
    donors: Int32
    pool: npt.NDArray[np.uint32]
    seen: npt.NDArray[np.uint32] = field(default_factory=_nothing)

    @property
    def leaf_nodes(self) -> npt.NDArray[np.intp]:
        """The nodes that are leaves, from left to right, as their donors stand."""
        return np.flatnonzero(self.nodes[:, RIGHT] == np.arange(len(self.nodes)))

    @property
    def n_leaves(self) -> int:
        return len(self.leaf_nodes)

    def leaves(self, x: Int32, u: Float | None = None) -> Int32:
        """Leaf, as a node number, of new rows.

        Parameters
        ----------
        x
            (k, F) codes, rows contiguous, columns as in the `Features` the tree was grown on.
        u
            (k,) uniform numbers in [0, 1), by which a level that a node has not seen goes to one of its children, if
            splits are corrected. None: to the larger one.
        """
        leaf = np.empty(x.shape[0], dtype=np.int32)
        table, codes = self.nodes.reshape(-1), x.reshape(-1)
        seen, chance = (_nothing(), _NO_CHANCE) if u is None else (self.seen, u)
        find_leaves(table, self.pool, seen, self.start, self.end, codes, x.shape[1], chance, leaf)
        return leaf

    def training_leaves(self, n: int) -> Int32:
        """Leaf of each of the n rows of the table; -1 where a row had weight 0."""
        leaf = np.full(n, -1, dtype=np.int32)
        leaves_of_training_rows(self.nodes, self.start, self.end, self.donors, leaf)
        return leaf

    def draw(self, leaf: Int32, u: Float) -> Int32:
        """One donor row for each leaf in `leaf`, uniform over the leaf's donors.

        Parameters
        ----------
        leaf
            (k,) node numbers.
        u
            (k,) uniform numbers in [0, 1).
        """
        out = np.empty(leaf.shape[0], dtype=np.int32)
        draw_donors(leaf, self.start, self.end, self.donors, u, out)
        return out

    def draw_other(self, leaf: Int32, u: Float, own: Int32, n: int) -> Int32:
        """As `draw`, but row i never receives row `own[i]`, unless the table has no other.

        Where a leaf holds nothing but that row, the donor comes from the nearest node above that holds another.

        Parameters
        ----------
        leaf, u
            As in `draw`.
        own
            (k,) the row that must not be the donor.
        n
            Number of rows of the table.
        """
        donors, _ = self.by_code(None).draw(leaf, u, None, own=own, repeats=self.repeats(n))
        return np.where(donors < 0, own, donors)

    def repeats(self, n: int) -> Int32:
        """(n,) how often each row of the table is a donor."""
        return np.bincount(self.donors, minlength=n).astype(np.int32)

    def by_code(self, codes: Int32 | None) -> DonorsByCode:
        """The donors by their codes, for draws among those that a condition allows.

        Parameters
        ----------
        codes
            (n,) of the rows of the table; None: no condition is on codes.
        """
        return DonorsByCode.of(self.nodes, self.start, self.end, self.donors, codes)

    def replace_repeated(
        self,
        leaf: Int32,
        u: Float,
        drawn: Int32,
        rows: Int32,
        used: Int32,
        filled: int,
        most: int,
        like: Likeness,
        repeated: npt.NDArray[np.bool_],
        among: tuple[DonorsByCode, Ranges] | None = None,
    ) -> int:
        """Replace donors that have donated to `most` cells of their row, in place, where the leaf holds another record.

        So is, once there are `most` donors, the only one whose cell would leave the row equal to it in all that is
        compared, where the row is so rare that no record would be expected to equal it by chance.

        Each entry of the node that may donate is as likely. What it is replaced by depends on `u`, and so on the
        address of the stream alone.

        Parameters
        ----------
        leaf, u
            The nodes, and the numbers, by which donors were drawn.
        drawn
            (k,) what came back; -1 where nobody is a donor, which stays.
        rows
            (k,) which rows of `used` these are.
        used
            (K, D) the donors of each row so far, in the first `filled` columns; -1 where there is none. The donors go
            to column `filled`.
        filled, most
            See above.
        like
            By which rows and records are compared.
        repeated
            (K,) becomes, at `rows`, whether a record has donated too often and the leaf holds no other.
        among
            The donors by their codes, and the codes that are allowed; None: all are.

        Returns
        -------
        int
            In how many rows it holds none.
        """
        condition = ((NO_CODES, self.donors, self.donors, NO_SYMBOLS), EVERY)
        if among is not None:
            condition = (among[0].arrays, among[0].wanted(among[1]))
        cells = rows, used.reshape(-1), used.shape[1], filled, most
        left_over: int = replace_repeated(leaf, self.start, self.end, *condition, u, *cells, like, drawn, repeated)
        return left_over


def likeness(features: Features, subset: Int32, rows: Int32 | None, response: Int32) -> Likeness:
    """By which new rows and the records of a table are compared: see `Likeness`.

    Parameters
    ----------
    features
        Of the table.
    subset
        Positions of the predictors that were drawn.
    rows
        (k, F) their codes, contiguous; None: no row is compared with any record.
    response
        (n,) codes of what is drawn.
    """
    if rows is None:
        rows, subset = np.empty((0, 0), dtype=np.int32), np.empty(0, dtype=np.int32)
    bits, bases = features.information()
    return Likeness(rows, features.codes, subset, bits, bases, float(np.log2(max(features.n, 1))), response)


@lru_cache(maxsize=4)
def _inverses(total: int) -> Float:
    """1 / i for i = 1 ... total, behind a 0."""
    out = np.zeros(total + 1)
    np.divide(1.0, np.arange(1, total + 1), out=out[1:])
    out.flags.writeable = False
    return out


def single_leaf(n: int, weights: Int32 | None = None) -> Tree:
    """The tree without a split: every row is a donor for every other.

    Parameters
    ----------
    n
        Number of rows.
    weights
        (n,) whole-number repetitions of the rows.
    """
    donors = np.arange(n, dtype=np.int32)
    if weights is not None:
        donors = np.repeat(donors, weights)
    return Tree(
        nodes=np.array([[0, MASK, 0, 0]], dtype=np.int32),
        start=np.zeros(1, dtype=np.int32),
        end=np.array([len(donors)], dtype=np.int32),
        donors=donors,
        pool=np.empty(0, dtype=np.uint32),
    )


def grow_tree(
    features: Features,
    subset: npt.ArrayLike,
    response: npt.NDArray[np.float64] | Int32,
    *,
    n_classes: int = 0,
    weights: Int32 | None = None,
    minbucket: int = 5,
    fewest: int | None = None,
    cp: float = 1e-8,
    minsplit: int | None = None,
    maxdepth: int = 30,
    class_risk: str = "misclassified",
    splits: str = "rpart",
) -> Tree:
    """Grow a tree as rpart does, without surrogates and cross-validation.

    Parameters
    ----------
    features
        Predictors of the table.
    subset
        Which of them may be used, by position. None at all gives the root alone.
    response
        (n,) numbers (regression, sum of squares) or, with `n_classes`, class codes (classification, Gini).
    n_classes
        Number of classes, 0 for regression.
    weights
        (n,) whole-number repetitions of the rows; 0 leaves a row out.
    minbucket
        Fewest entries in a leaf.
    fewest
        Where splits are corrected, fewest entries in a leaf whose split is significant; `minbucket` unless given.
    cp
        Complexity parameter: a split must lower the risk by `cp` times the root's risk.
    minsplit
        Fewest entries in a node that may be split; 3 * minbucket unless given.
    maxdepth
        Greatest depth of a leaf, the root being 0.
    class_risk
        What `cp` counts for classes: `misclassified` entries, as rpart does, or the `gini` index, by which the tree is
        grown. The former takes back every split that changes no majority, however much shares of classes differ.
    splits
        `rpart`: the split that gains most. `corrected`: the split that gains most beyond what the best of as many cuts
        gains by chance (see `replicant.trees.chance`); a level that a node has not seen goes to a child at random.

    Returns
    -------
    Tree
    """
    columns = np.asarray(subset, dtype=np.int32).reshape(-1)
    if not columns.size:
        return single_leaf(features.n, weights)
    repeats = _ONCE if weights is None else np.ascontiguousarray(weights, dtype=np.int32)
    total = features.n if weights is None else int(repeats.sum())
    corrected = splits == "corrected"
    repetition = 1.0
    if corrected and weights is not None and total:
        repetition = float(np.dot(repeats.astype(np.float64), repeats)) / total
    f = features
    ranks = f.ranks(weights) if corrected else NO_RANKS
    predictors = Predictors(f.codes, f.order, f.sizes, f.nominal, f.values, f.bases, columns, *ranks)
    least = min(fewest, minbucket) if corrected and fewest is not None else minbucket
    growth = start_growth(features, len(columns), total, least, maxdepth, corrected)
    outcome = response_for(response, n_classes, _inverses(total), class_risk == "gini")
    streams = allocate(len(columns) + 1, total, n_classes > 0)
    smallest = 3 * minbucket if minsplit is None else minsplit
    limits = minbucket, least, smallest, maxdepth, repetition
    while not grow(outcome, predictors, repeats, total, streams, growth, *limits):
        growth = growth._replace(pool=np.concatenate([growth.pool, growth.pool]))
    n = int(growth.state[NODES])
    kept = prune(
        growth.nodes,
        growth.start,
        growth.end,
        growth.seen,
        growth.risk[:n],
        cp,
        np.empty(n),
        np.empty(n),
        np.empty(n, dtype=np.int64),
        np.empty(n, dtype=np.int64),
    )
    seen = growth.seen[:kept]
    return Tree(
        growth.nodes[:kept].copy(),
        growth.start[:kept].copy(),
        growth.end[:kept].copy(),
        growth.donors,
        growth.pool[: growth.state[USED]].copy(),
        seen.copy() if corrected and (seen != ALL_SEEN).any() else _nothing(),
    )
