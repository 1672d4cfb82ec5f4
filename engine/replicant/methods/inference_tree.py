"""Trees that test before they split: the variable by its association with the response, then the best cut in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Numbers, Predictors, Response

if TYPE_CHECKING:
    from replicant.trees import Tree

__all__ = ["InferenceTree", "Settings", "grow_inference_tree"]

LARGEST = 1 << 24  # cuts times classes that are looked at: of more values some neighbours are kept together
POWER_STEPS = 20  # towards the first principal component of the levels' class shares
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Settings:
    """When a node is split: see `Ctree`, whose options these are."""

    alpha: float
    minbucket: int
    minsplit: int
    maxdepth: int


@dataclass(frozen=True, eq=False, slots=True)
class _Node:
    """Rows of a node with their weights and responses.

    Attributes
    ----------
    rows
        Of the table.
    weights
        Their repetitions.
    y
        Numbers, of mean 0 over the node; empty for classes.
    classes
        0 ... k - 1, the classes of the node; empty for numbers.
    counts
        (k,) rows of each class; empty for numbers.
    total
        Rows, by their weights.
    """

    rows: Positions
    weights: Numbers
    y: Numbers
    classes: Positions
    counts: Numbers
    total: float

    @property
    def varies(self) -> bool:
        """Whether there is anything to explain."""
        return bool(np.ptp(self.y) > 0) if self.numeric else len(self.counts) > 1

    @property
    def numeric(self) -> bool:
        """Whether the response is of numbers."""
        return not len(self.counts)


@dataclass(frozen=True, eq=False, slots=True)
class _Split:
    """A cut: which codes of a feature go left.

    Attributes
    ----------
    feature
        Its position.
    goes_left
        By row of the node.
    threshold
        Of an ordered feature the largest code that goes left.
    missing_left
        Whether its missing codes do.
    levels, present
        Of a nominal feature the codes that go left, and all that are in the node.
    """

    feature: int
    goes_left: npt.NDArray[np.bool_]
    threshold: int = 0
    missing_left: bool = False
    levels: npt.NDArray[np.int32] | None = None
    present: npt.NDArray[np.int32] | None = None


@dataclass(eq=False, slots=True)
class InferenceTree:
    """A tree that grows, in the form of the kernel's.

    Attributes
    ----------
    x
        All rows of the table.
    response
        Numbers or classes of these.
    settings
        When a node is split.
    """

    x: Predictors
    response: Response
    settings: Settings
    _nodes: list[list[int]] = field(default_factory=list)
    _pool: list[npt.NDArray[np.uint32]] = field(default_factory=list)

    def grow(self, rows: Positions, weights: Numbers) -> Tree:
        """Grow on some rows.

        Parameters
        ----------
        rows, weights
            Rows of the table and their repetitions.
        """
        from replicant.trees import Tree
        from replicant.trees.grow import FEATURE, MASK, RIGHT

        start, end, donors = [], [], []
        at = 0
        stack: list[tuple[Positions, Numbers, int, int]] = [(rows, weights, 0, -1)]
        while stack:
            rows, weights, depth, parent = stack.pop()
            me = len(self._nodes)
            if parent >= 0:
                self._nodes[parent][RIGHT] = me
            size = int(weights.sum())
            start.append(at)
            end.append(at + size)
            split = None
            if size >= self.settings.minsplit and depth < self.settings.maxdepth:
                split = self._split(self._node(rows, weights))
            if split is None:
                self._nodes.append([0, MASK, me, 0])
                donors.append(np.repeat(rows, weights.astype(np.int64)))
                at += size
                continue
            entry = self._entry(split, weights)
            entry[FEATURE], entry[RIGHT] = split.feature, me
            self._nodes.append(entry)
            left, right = split.goes_left, ~split.goes_left
            stack.append((rows[right], weights[right], depth + 1, me))
            stack.append((rows[left], weights[left], depth + 1, -1))
        return Tree(
            np.array(self._nodes, dtype=np.int32),
            np.array(start, dtype=np.int32),
            np.array(end, dtype=np.int32),
            np.concatenate(donors).astype(np.int32),
            np.concatenate(self._pool) if self._pool else np.empty(0, dtype=np.uint32),
        )

    def _node(self, rows: Positions, weights: Numbers) -> _Node:
        total = float(weights.sum())
        if self.response.numbers is not None:
            y = self.response.numbers[rows]
            top = float(np.abs(y).max())
            y = y / top if top > 0 else y
            return _Node(rows, weights, y - float(weights @ y) / total, np.empty(0, dtype=np.intp), np.empty(0), total)
        classes = self.response.classes
        if classes is None:
            raise TypeError("a response holds numbers or classes")
        _, of_node = np.unique(classes[rows], return_inverse=True)
        return _Node(rows, weights, np.empty(0), of_node, _counted(of_node, weights), total)

    def _split(self, node: _Node) -> _Split | None:
        """The best cut in the variable with the smallest p-value, if that is small enough."""
        from scipy.special import chdtrc

        if not node.varies:
            return None
        tested: list[tuple[float, int, int]] = []
        for feature in self.x.subset.tolist():
            statistic, df = self._association(node, feature)
            if df > 0:
                tested.append((statistic, df, feature))
        order = []
        for statistic, df, feature in tested:
            p = float(chdtrc(df, statistic))
            # Bonferroni: 1 - (1 - p)^m. Where p is 0, the cube root decides, which is normal (Wilson and Hilferty
            # 1931).
            adjusted = -np.expm1(len(tested) * np.log1p(-min(p, 1 - 1e-16)))
            if adjusted < self.settings.alpha:
                root = ((statistic / df) ** (1 / 3) - 1 + 2 / (9 * df)) * np.sqrt(9 * df / 2)
                order.append((p, -root, feature))
        for *_, feature in sorted(order):
            split = self._cut(node, feature)
            if split is not None:
                return split
        return None

    def _association(self, node: _Node, feature: int) -> tuple[float, int]:
        """The quadratic statistic of Strasser and Weber (1999) and its degrees of freedom.

        With n rows it is (n - 1) times the sum of squared canonical correlations of what the feature and the response
        are replaced by: a number by itself, a level or class by an indicator, and a missing number by one more
        indicator.
        """
        codes = self.x.features.codes[feature][node.rows]
        if self.x.features.nominal[feature]:
            statistic, df = _of_levels(node, codes)
            return (node.total - 1) * statistic, df
        missing = codes < 0
        known = ~missing
        base, size = int(self.x.features.bases[feature]), int(self.x.features.sizes[feature])
        statistic, df = 0.0, 0
        if known.any() and codes[known].min() < codes[known].max():
            values = np.where(known, self.x.features.values[base : base + size][codes], 0.0)
            values = values / np.abs(values).max()
            values = np.where(known, values - node.weights[known] @ values[known] / node.weights[known].sum(), 0.0)
            share, df = _of_numbers(node, values)
            statistic += share
        if missing.any() and known.any():
            share, more = _of_levels(node, missing.astype(np.int32))
            statistic, df = statistic + share, df + more
        return (node.total - 1) * statistic, df

    def _cut(self, node: _Node, feature: int) -> _Split | None:
        codes = self.x.features.codes[feature][node.rows]
        found, at = np.unique(codes, return_inverse=True)
        fewest = self.settings.minbucket
        if self.x.features.nominal[feature]:
            sums, count = _sums(node, at, len(found)), _counted(at, node.weights)
            order = np.argsort(_scores(sums, count), kind="stable")
            _, cut = _best(node, sums[order], count[order], fewest)
            if cut < 0:
                return None
            levels = found[order[: cut + 1]]
            return _Split(feature, np.isin(codes, levels), levels=levels, present=found)
        holes = int(found[0] < 0)
        first, last, at = _grouped(found, at, holes, LARGEST // max(len(node.counts), 1))
        sums, count = _sums(node, at, len(first)), _counted(at, node.weights)
        value, cut = _best(node, sums[holes:], count[holes:], fewest, last=bool(holes))
        missing_left = False
        if holes:
            with_missing, other = _best(node, sums[1:], count[1:], fewest, (sums[0], float(count[0])))
            missing_left = with_missing > value
            cut = other if missing_left else cut
        if cut < 0:
            return None
        cut += holes
        if cut == len(first) - 1:
            threshold = int(self.x.features.sizes[feature]) - 1  # all that is known against what is missing
        else:
            threshold = self._middle(feature, int(last[cut]), int(first[cut + 1]))
        left = np.where(codes < 0, missing_left, codes <= threshold)
        if not holes:
            missing_left = bool(2 * node.weights[left].sum() >= node.total)
        return _Split(feature, left, threshold, missing_left)

    def _middle(self, feature: int, below: int, above: int) -> int:
        """The largest code whose value is at most the midpoint between the values of two codes."""
        base = int(self.x.features.bases[feature])
        values = self.x.features.values[base + below : base + above + 1]
        middle = 0.5 * (values[0] + values[-1])
        return below + min(max(int(np.searchsorted(values, middle, side="right")) - 1, 0), above - below - 1)

    def _entry(self, split: _Split, weights: Numbers) -> list[int]:
        """A row of the kernel's table of nodes: see `replicant.trees.grow`."""
        from replicant.trees.grow import BITSET, EXTRA, MASK, THRESHOLD

        entry = [0, 0, 0, 0]
        if split.levels is None:
            entry[THRESHOLD], entry[EXTRA] = split.threshold, int(split.missing_left)
            return entry
        size = int(self.x.features.sizes[split.feature])
        # Levels that are not in the node follow its larger child.
        follows = 2 * float(weights[split.goes_left].sum()) >= float(weights.sum())
        goes = np.full(-(-size // 32) * 32, False)
        goes[:size] = follows
        goes[split.present] = False
        goes[split.levels] = True
        words = np.packbits(goes, bitorder="little").view(np.uint32)
        if size <= 32:
            entry[THRESHOLD], entry[EXTRA] = MASK, int(words.view(np.int32)[0])
        else:
            entry[THRESHOLD], entry[EXTRA] = BITSET, sum(map(len, self._pool))
            self._pool.append(words)
        return entry


def grow_inference_tree(response: Response, x: Predictors, weights: Codes | None, settings: Settings) -> Tree:
    """Grow a tree.

    Parameters
    ----------
    response
        Numbers or classes.
    x
        All rows of the table.
    weights
        (n,) repetitions of the rows; 0: left out.
    settings
        When a node is split.
    """
    rows = np.arange(x.features.n) if weights is None else np.flatnonzero(weights)
    counted = np.ones(len(rows)) if weights is None else weights[rows].astype(np.float64)
    return InferenceTree(x, response, settings).grow(rows, counted)


def _counted(at: Positions, values: Numbers, groups: int = 0) -> Numbers:
    """Sums of values by group."""
    return np.bincount(at, values, groups).astype(np.float64, copy=False)


def _of_levels(node: _Node, codes: npt.NDArray[Any]) -> tuple[float, int]:
    """The share of the response's spread that levels explain, summed over its dimensions, and degrees of freedom."""
    found, at = np.unique(codes, return_inverse=True)
    count = _counted(at, node.weights)
    if node.numeric:
        sums = _counted(at, node.weights * node.y)
        return float((sums**2 / count).sum() / (node.weights @ node.y**2)), len(found) - 1
    k = len(node.counts)
    cells, of_cell = np.unique(at * k + node.classes, return_inverse=True)
    joint = _counted(of_cell, node.weights)
    share = float((joint**2 / (count[cells // k] * node.counts[cells % k])).sum()) - 1.0
    return max(share, 0.0), (len(found) - 1) * (k - 1)


def _of_numbers(node: _Node, values: Numbers) -> tuple[float, int]:
    """The same of numbers of mean 0."""
    square = float(node.weights @ values**2)
    if node.numeric:
        product = float(node.weights @ (values * node.y))
        return product**2 / (square * float(node.weights @ node.y**2)), 1
    sums = _counted(node.classes, node.weights * values)
    return float((sums**2 / node.counts).sum()) / square, len(node.counts) - 1


def _grouped(
    found: npt.NDArray[np.int32], at: Positions, holes: int, most: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Positions]:
    """First and last code of groups of neighbouring codes, at most so many, and the group of each row.

    Parameters
    ----------
    found
        Distinct codes, ascending; the first is that of missing ones if `holes` is 1, and stays by itself.
    at
        (n,) which of them each row has.
    holes, most
        See above.
    """
    if len(found) <= most:
        return found, found, at
    known = len(found) - holes
    group = np.concatenate([np.zeros(holes, dtype=np.intp), holes + np.arange(known) * most // known])
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    return found[begins], found[np.append(begins[1:], len(found)) - 1], group[at]


def _sums(node: _Node, at: Positions, groups: int) -> Numbers:
    """(groups, 1) sums of numbers, or (groups, k) counts of classes."""
    if node.numeric:
        return _counted(at, node.weights * node.y, groups)[:, None]
    k = len(node.counts)
    return _counted(at * k + node.classes, node.weights, groups * k).reshape(groups, k)


def _scores(sums: Numbers, count: Numbers) -> Numbers:
    """An order of levels in which the best division into two sets is looked for.

    The means of numbers, or the share of one of two classes, by which the best division is found (Fisher 1958; Breiman
    et al. 1984); for more classes the first principal component of their shares (Coppersmith, Hong and Hosking 1999).
    """
    shares = sums / count[:, None]
    if sums.shape[1] <= 2:
        return np.asarray(shares[:, 0])
    shares = shares - count @ shares / count.sum()
    axis = shares[np.argmax((shares**2).sum(axis=1))]
    for _ in range(POWER_STEPS):
        axis = shares.T @ (count * (shares @ axis))
        axis = axis / max(float(np.sqrt(axis @ axis)), 1e-300)
    return np.asarray(shares @ axis)


def _best(
    node: _Node,
    sums: Numbers,
    count: Numbers,
    fewest: int,
    extra: tuple[Numbers, float] | None = None,
    last: bool = False,
) -> tuple[float, int]:
    """The cut with the largest two-sample statistic, which is the best of CART for numbers and for two classes.

    Parameters
    ----------
    node
        The node.
    sums, count
        Of groups in their order: see `_sums`, and rows.
    fewest
        Rows that both parts need.
    extra
        What goes left whatever the cut.
    last
        Whether all groups may go left, against rows that are in none.

    Returns
    -------
    float, int
        The statistic and the last group that goes left; 0 and -1 if there is no cut.
    """
    stop = len(count) if last else len(count) - 1
    left = np.cumsum(count[:stop])
    if extra is not None:
        left = left + extra[1]
    right = node.total - left
    value = np.zeros(stop)
    for k in range(sums.shape[1]):
        of_left = np.cumsum(sums[:stop, k]) + (0.0 if extra is None else extra[0][k])
        if not node.numeric:
            share = node.counts[k] / node.total
            value += (of_left - left * share) ** 2 / share
        else:
            value += of_left**2
    allowed = (left >= fewest) & (right >= fewest)
    if not allowed.any():
        return 0.0, -1
    value = np.where(allowed, value / np.where(allowed, left * right, 1.0), 0.0)
    best = int(np.argmax(value))
    return (float(value[best]), best) if value[best] > 0 else (0.0, -1)
