"""Orders of visits that suit the data: drawn at random from those with a good held-out score.

All orders would be equally good if conditional distributions were known. Trees know some of them better than others: an
effect without main effects is found where its causes come just before, and lost among twenty columns that a tree may
split by instead. The score of an order, on rows that its trees have not seen, is the sum of those of its conditionals
(see `held_out`).

The search draws orders in which the columns of an interaction come first, those that others explain late, and those
with many levels last. From the scores so far it learns, by ridge regressions, what each column gains or loses when
another one comes before it, and moves single columns of the next order to where this sum is best. Scores of
conditionals are kept by column and set of predecessors: of an order that shares many of these with others, few are new.
What comes out is not the best order, but several that are about as good and unlike each other: sets drawn in orders
that are alike have the same errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.fcs.held_out import HeldOut
from replicant.fcs.synergy import coarse, interactions
from replicant.methods import Cart
from replicant.plan.orders import Orders
from replicant.plan.seeds import Stage, stream
from replicant.plan.sequence import sequence_for

if TYPE_CHECKING:
    from replicant.plan.column import ColumnPlan
    from replicant.table.table import Table

__all__ = ["find_orders"]

SAMPLE_ROWS = 2000
ROWS_BOTH_WAYS = 1500  # with fewer rows than these, each half is fitted and scored in turn
FITS = 14  # trees for each column, all in all
RANDOM = 2
MOST_ORDERS = 24
LEARNED = 5  # orders after which columns are moved by what was learned
RIDGE = 3.0  # orders that it takes to believe half of an effect
LEAST_GAIN = 0.01  # nats that a move must gain
MANY_LEVELS = 100
SETS = 300  # of three columns, for each column, that are looked at for interactions
NOISE = 0.5  # nats: columns of which others explain about as much come in any order, so that no effect is always lost
ERRORS, SHARE = 2.0, 0.05  # an order is good if it is so many errors, or this share of the gain, below the best one
FEWEST_ORDERS = 8  # the best ones, however good: sets drawn in one order would all have its errors
SOME = 0.02  # nats that are worth a word

Floats = NDArray[np.float64]
Order = tuple[str, ...]


def find_orders(columns: Sequence[ColumnPlan], table: Table, seed: int, missing: bool = True) -> Orders:
    """Orders of visits with good held-out scores, by a random sample of the rows.

    Parameters
    ----------
    columns
        Plans of all columns, in table order; two of them at least are predicted from others.
    table
        The encoded table.
    seed
        The run's seed.
    missing
        Whether missing cells are drawn, rather than imputed before.

    Returns
    -------
    Orders
    """
    rng = stream(seed, Stage.ORDER_SCORE)
    rows = rng.permutation(table.n)[:SAMPLE_ROWS]
    cells = {column.name: column.where[rows] for column in columns if column.where is not None}
    trees = [column.declaration.method for column in columns if isinstance(column.declaration.method, Cart)]
    held = HeldOut(
        table.take(rows),
        both=len(rows) < ROWS_BOTH_WAYS,
        missing=missing,
        cells=cells,
        splits=trees[0].splits if trees else "corrected",
    )
    return _Search(columns, held, rng).orders(len(rows))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What orders start from.

    Attributes
    ----------
    sets
        Columns of interactions.
    explained
        How much better a column is foreseen from all others than from none, in nats, for columns without many levels.
    many
        Levels of columns that have many.
    """

    sets: tuple[tuple[str, ...], ...]
    explained: dict[str, float]
    many: dict[str, int]


class _Search:
    """Orders that were scored so far."""

    def __init__(self, columns: Sequence[ColumnPlan], held: HeldOut, rng: np.random.Generator) -> None:
        self.columns = columns
        self.held = held
        self.rng = rng
        self.names = [column.name for column in columns if column.is_fitted]
        self.allowed = {column.name: frozenset(column.predictors) for column in columns if column.is_fitted}
        self.scores: dict[Order, Floats] = {}
        self.at = {name: at for at, name in enumerate(self.names)}
        self.known: dict[str, dict[frozenset[str], float]] = {name: {} for name in self.names}
        self.limit = FITS * len(self.names) * held.folds

    def orders(self, rows: int) -> Orders:
        """The good ones of the orders that so many trees allow to find."""
        shape = self.shape()
        random = [self.shuffled(self.names) for _ in range(RANDOM)]
        base = np.mean([self.score(order) for order in random], axis=0)
        ends = dict.fromkeys(random)
        for _ in range(2 * MOST_ORDERS):
            if len(ends) == MOST_ORDERS or self.held.fits > self.limit:
                break
            order = self.start(shape)
            if len(ends) >= LEARNED:
                order = self.moved(order, sum(map(len, shape.sets)))
            self.score(order)
            ends[order] = None
        pool = self.good(list(ends), base)
        gains = np.mean([self.score(order) for order in pool], axis=0) - base
        return Orders(
            pool=tuple(pool),
            why=self.why(shape, pool, random),
            gain=float(gains.mean()),
            error=float(gains.std() / np.sqrt(len(gains))),
            compared=len(self.scores),
            rows=rows,
            fits=self.held.fits,
        )

    def shape(self) -> _Shape:
        """What is known of the columns before any order is scored."""
        targets = self.held.targets
        many = {name: targets[name].n_classes for name in self.names if targets[name].n_classes > MANY_LEVELS}
        few = [name for name in self.names if name not in many]
        explained = {}
        for name in few:
            others = self.allowed[name] - many.keys()
            explained[name] = self.held.mean(name, others) - self.held.mean(name)
        sets: list[tuple[str, ...]] = []
        used: set[str] = set()
        least = sorted(few, key=lambda name: explained[name])
        for three in interactions({name: coarse(targets[name].bins) for name in least}, SETS * len(self.names)):
            fresh = tuple(name for name in three if name not in used)
            if len(fresh) > 1:
                sets.append(fresh)
                used.update(fresh)
        return _Shape(tuple(sets), explained, many)

    def shuffled(self, names: Sequence[str]) -> Order:
        return tuple(names[at] for at in self.rng.permutation(len(names)))

    def start(self, shape: _Shape) -> Order:
        """A random order: interactions first, what others explain well rather late, many levels last."""
        first = [name for at in self.rng.permutation(len(shape.sets)) for name in self.shuffled(shape.sets[at])]
        rest = [name for name in shape.explained if name not in first]
        nats = np.array([shape.explained[name] for name in rest]) + NOISE * self.rng.normal(size=len(rest))
        return (*first, *(rest[at] for at in np.argsort(nats)), *self.shuffled(list(shape.many)))

    def given(self, order: Order) -> dict[str, frozenset[str]]:
        """What each column is predicted from."""
        before: set[str] = set()
        found = {}
        for name in sequence_for(self.columns, 0, visit=order):
            if name in self.allowed:
                found[name] = self.allowed[name] & before
            before.add(name)
        return found

    def score(self, order: Order) -> Floats:
        """(rows,) scores of an order."""
        found = self.scores.get(order)
        if found is None:
            given = self.given(order)
            found = self.scores[order] = np.sum([self.held.score(*one) for one in given.items()], axis=0)
            for name, others in given.items():
                self.known[name][others] = self.held.mean(name, others)
        return found

    def value(self, order: Order) -> float:
        """The mean score, to so many digits as no machine's rounding reaches."""
        return round(float(self.score(order).mean()), 9)

    def good(self, orders: Sequence[Order], base: Floats) -> list[Order]:
        """Orders that are not much worse than the best of them, and so many of the best in any case, the best first."""
        ranked = sorted(orders, key=self.value, reverse=True)
        best = self.score(ranked[0])
        share = SHARE * max(float((best - base).mean()), 0.0)

        def is_good(order: Order) -> bool:
            apart = best - self.score(order)
            return bool(apart.mean() <= max(share, ERRORS * float(apart.std()) / np.sqrt(len(apart))))

        return [order for at, order in enumerate(ranked) if at < FEWEST_ORDERS or is_good(order)]

    def effects(self) -> Floats:
        """(columns, columns) what the score of a column gained in the orders so far by another one before it."""
        found = np.zeros((len(self.names), len(self.names)))
        for name, known in self.known.items():
            before = np.zeros((len(known), len(self.names)))
            for row, given in enumerate(known):
                before[row, [self.at[other] for other in given if other in self.at]] = 1
            before -= before.mean(axis=0)
            scores = np.array(list(known.values()))
            weights = np.linalg.solve(before @ before.T + RIDGE * np.eye(len(known)), scores - scores.mean())
            found[self.at[name]] = before.T @ weights
        return found

    def moved(self, order: Order, first: int) -> Order:
        """The order, after half of the columns behind the first ones were moved, one by one, to where they gain."""
        effects = self.effects().round(9)
        rest = [self.at[name] for name in order[first:]]
        for column in self.rng.permutation(rest)[: max(len(rest) // 2, 1)].tolist():
            at = rest.index(column)
            others = rest[:at] + rest[at + 1 :]
            gains = np.cumsum([0.0, *(effects[column, others] - effects[others, column])])
            to = int(gains.argmax())
            if gains[to] > gains[at] + LEAST_GAIN:
                rest = [*others[:to], column, *others[to:]]
        return (*order[:first], *(self.names[at] for at in rest))

    def why(self, shape: _Shape, pool: Sequence[Order], random: Sequence[Order]) -> dict[str, str]:
        """Of each column, where it stands in the good orders, why, and what its score gains over random orders."""
        within = {name: tuple(other for other in one if other != name) for one in shape.sets for name in one}
        good = [self.given(order) for order in pool]
        before = [self.given(order) for order in random]
        found = {}
        for name in self.names:
            rank = float(np.mean([order.index(name) for order in pool])) / max(len(self.names) - 1, 1)
            if name in shape.many:
                text = f"last: {shape.many[name]} levels"
            elif name in within:
                text = f"beside {' and '.join(within[name])}, with which it has an interaction"
            elif shape.explained[name] > SOME:
                text = f"{_where(rank)}: others explain {shape.explained[name]:.2f} nats of it"
            else:
                text = f"{_where(rank)}: others explain nothing of it"
            mean = np.mean([self.held.mean(name, one[name]) for one in good])
            gain = float(mean - np.mean([self.held.mean(name, one[name]) for one in before]))
            found[name] = f"{text}; {gain:+.2f} nats"
        return found


def _where(rank: float) -> str:
    return "early" if rank < 1 / 3 else "late" if rank > 2 / 3 else "anywhere"
