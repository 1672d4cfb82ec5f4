"""Rules while rows are drawn: which bind at a visit, whom they leave among the values of a column, and who breaks them.

A rule binds at the last of its columns: there all others are known, and it says which values this one may have. Which
these are is found for the rows whose draw breaks a rule only. Along the codes of the column its truth changes at few
points, those where one of its comparisons does; between two of them one code tells of all. So the rule itself is
asked, a few times for each row, and there is one way to tell whether it is kept. Where a comparison says in no simple
way where it changes, the rule is asked for every code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant.fcs.implied import implied_rules
from replicant.fcs.ruled_cells import RuledCells, numbers_at
from replicant.plan.rules import drawn_names
from replicant.ranges import Ranges
from replicant.spec.nodes import Apply, Compare, Logic, Missing, Name, Node, Number, Text, Unique, apply, names_in
from replicant.spec.rule import Rule, number_of
from replicant.spec.rule_cells import Pairs, repeated
from replicant.table import Column

if TYPE_CHECKING:
    from replicant.fcs.encoding import Prepared
    from replicant.plan.model import Plan

__all__ = ["Ruled"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

GRID = 2_000_000
"""Cells for which a rule is asked at a time."""

UNUSED = 200_000
"""Ranges of codes that are unused, of all rows that are drawn at a time; more are worth less than draws among all."""


@dataclass(frozen=True, eq=False, slots=True)
class _Known:
    """A rule, the drawn columns that decide it, and the rows in which none of their cells is replaced."""

    rule: Rule
    columns: tuple[str, ...]
    settled: Mask | None


class Ruled:
    """The rules of one set in the making.

    Parameters
    ----------
    prepared, plan
        The partition and what to do.
    sequence
        The order of visits.
    codes, exact
        (p, k) codes, and numbers of columns that are not donors' values: what is drawn, as it grows.
    rows
        (k,) the observed rows that these stand in for, where there are such.
    """

    def __init__(
        self,
        prepared: Prepared,
        plan: Plan,
        sequence: Sequence[str],
        codes: Int32,
        exact: Mapping[str, Float],
        rows: Int32 | None,
    ) -> None:
        self.prepared, self.plan = prepared, plan
        self.codes, self.exact, self.rows = codes, exact, rows
        self.rank = {name: i for i, name in enumerate(sequence)}
        self.pairs: dict[tuple[str, str], Pairs] = {}
        plans = {column.name: column for column in plan.columns}
        self.rules: list[_Known] = []
        self.at: dict[str, list[_Known]] = {}
        self.unique: dict[str, list[_Known]] = {}
        for rule in plan.rules:
            columns = drawn_names(rule.names, plans)
            known = _Known(rule, columns, self._settled(columns))
            self.rules.append(known)
            for name in columns:
                self.at.setdefault(name, []).append(known)
            if isinstance(rule.tree, Unique):
                last = max((name for name in columns if not plans[name].is_kept), key=self.rank.__getitem__)
                self.unique.setdefault(last, []).append(known)
        indirect = {name for name, one in plans.items() if one.is_computed or one.is_kept or one.where is not None}
        ranges = {
            column.name: (float(column.values[0]), float(column.values[-1]))
            for column in prepared.table.columns
            if column.is_numeric and column.size and plans[column.name].declaration.works_on == "codes"
        }
        for rule in implied_rules(plan.rules, self.rank, indirect, ranges, prepared.table):
            columns = drawn_names(rule.names, plans)
            for name in columns:
                self.at[name].append(_Known(rule, columns, None))
        for name in self.at:
            if not plans[name].is_kept and plans[name].where is not None and rows is not None:
                # A cell that is not replaced is known from the start.
                codes[plan.positions[name]] = prepared.table[name].codes[rows]

    @property
    def first(self) -> str:
        """The column of a rule that is visited first."""
        return min((name for name in self.at if not self.plan.column(name).is_kept), key=self.rank.__getitem__)

    def broken_by(self, name: str, rows: Rows | None, codes: Int32, exact: Float | None) -> Rows:
        """Which of some drawn cells of a column break a rule that binds there.

        Parameters
        ----------
        name
            The column that is visited.
        rows
            Positions of the rows whose cells are drawn; None: all.
        codes, exact
            The cells.

        Returns
        -------
        ndarray
            Positions among these cells.
        """
        broken: Mask | None = None
        for known in self._binding(name):
            cells = RuledCells(self, rows, name, codes, exact)
            found = np.broadcast_to(known.rule.decided(cells)[1], codes.shape) & self._bound(known, name, rows)
            broken = found if broken is None else broken | found
        return np.flatnonzero(broken) if broken is not None else np.empty(0, dtype=np.intp)

    def allowed(self, name: str, rows: Rows) -> Ranges:
        """The codes of a column that its rules allow in some rows.

        Parameters
        ----------
        name
            The column that is visited.
        rows
            Positions of the rows.
        """
        column = self.prepared.table[name]
        missing = -1 - len(column.missing_codes)
        changes = self._changes(name, column, rows)
        if changes is None:
            edges = np.broadcast_to(np.arange(column.size + 1, dtype=np.int32), (len(rows), column.size + 1))
        else:
            # Neighbours, too: arithmetic may miss the point by a value.
            at = np.searchsorted(column.values, changes)[:, :, None] + np.arange(-1, 3)
            edges = _sorted(np.clip(at.reshape(len(rows), -1), 0, column.size), 0, column.size).astype(np.int32)
        below = np.broadcast_to(np.arange(missing, 0, dtype=np.int32), (len(rows), -missing))
        low = np.concatenate([below, edges[:, :-1]], axis=1)
        high = np.concatenate([below + 1, edges[:, 1:]], axis=1)
        return Ranges.of(low, high, self._holds(name, rows, low, None))

    def allowed_numbers(self, name: str, rows: Rows, sets: Ranges) -> Ranges | None:
        """The numbers of a column that, once they are rounded, its rules allow in some rows.

        Parameters
        ----------
        name, rows
            See `allowed`.
        sets
            What that gives.

        Returns
        -------
        Ranges or None
            None where it is not known at which numbers a rule changes.
        """
        column = self.prepared.table[name]
        if column.dtype.reach is None:  # cells are the nearest of the observed values
            halves = np.concatenate([[-np.inf], column.values[1:] / 2 + column.values[:-1] / 2, [np.inf]])
            codes = sets.ordinary()
            return codes.to(halves[codes.low], halves[codes.high])
        changes = self._changes(name, column, rows)
        if changes is None or not column.size:
            return None
        unit = 1.0
        if column.decimals is not None:
            unit = 10.0**-column.decimals
            around = np.floor(changes / unit)[:, :, None] + np.arange(-1.5, 2.0)
            changes = around.reshape(len(rows), -1) * unit
        edges = _sorted(changes, -np.inf, np.inf)
        low, high = edges[:, :-1], edges[:, 1:]
        with np.errstate(invalid="ignore"):
            inside = np.where(np.isinf(low), np.where(np.isinf(high), column.values[0], high - unit), low + unit)
            inside = np.where(np.isinf(low) | np.isinf(high), inside, low / 2 + high / 2)
        exact = column.rounded(inside.reshape(-1)).reshape(inside.shape)
        return Ranges.of(low, high, self._holds(name, rows, np.zeros(low.shape, dtype=np.int32), exact))

    def _holds(self, name: str, rows: Rows, codes: Int32, exact: Float | None) -> Mask:
        """(f, s) which of some cells of a column its rules allow in each row."""
        allowed = np.ones(codes.shape, dtype=np.bool_)
        binding = self._binding(name)
        step = max(1, GRID // max(1, codes.shape[1]))
        for begin in range(0, len(rows), step):
            some = slice(begin, begin + step)
            numbers = None if exact is None else exact[some]
            for known in binding:
                cells = RuledCells(self, rows[some, None], name, codes[some], numbers)
                false = np.broadcast_to(known.rule.decided(cells)[1], codes[some].shape)
                allowed[some] &= ~(false & self._bound(known, name, rows[some])[:, None])
        return allowed

    def repeated(self, name: str, rows: Rows, codes: Int32, exact: Float | None) -> Rows:
        """Which of some drawn cells of a column make rows repeat what may occur once only.

        Parameters
        ----------
        name, rows, codes, exact
            See `broken_by`. Cells of the column in other rows are those of before.

        Returns
        -------
        ndarray
            Positions among these cells.
        """
        cells = self._with(name, rows, codes, exact)
        found = np.zeros(len(rows), dtype=np.bool_)
        for known in self.unique.get(name, ()):
            found |= self._broken(known, cells)[rows]
        return np.flatnonzero(found)

    def unused(self, name: str, rows: Rows, codes: Int32, exact: Float | None, wanted: Rows) -> tuple[int, Ranges]:
        """The codes of a column that repeat nothing in some rows: those that no row has beside the same other cells.

        Parameters
        ----------
        name, rows, codes, exact
            See `repeated`.
        wanted
            Rows of which this is asked.

        Returns
        -------
        int, Ranges
            Of how many of the rows wanted, the first ones: sets together are not to be too large.
        """
        cells = self._with(name, rows, codes, exact)
        column = self.prepared.table[name]
        lowest, k = -1 - len(column.missing_codes), self.codes.shape[1]
        found: Ranges | None = None
        count = len(wanted)
        for known in self.unique[name]:
            group = np.zeros(k, dtype=np.int64)
            for other in known.rule.names:
                if other != name:
                    numeric = self.prepared.table[other].is_numeric
                    one = np.unique(cells.numbers(other) if numeric else cells.codes(other), return_inverse=True)[1]
                    group = np.unique(group * k + one, return_inverse=True)[1]
            sets = Ranges.without(group, cells.codes(name), int(group.max(initial=0)) + 1, lowest, column.size)
            total = np.cumsum(np.diff(sets.first)[group[wanted]])
            count = min(count, int(np.searchsorted(total, UNUSED, side="right")))
            mine = sets.take(group[wanted[:count]])
            found = mine if found is None else found.take(np.arange(count)).both(mine)
        assert found is not None
        return count, found

    def _with(self, name: str, rows: Rows, codes: Int32, exact: Float | None) -> RuledCells:
        """All rows, with other cells of a column in some of them."""
        column = self.prepared.table[name]
        at, known = self.plan.positions[name], self.exact.get(name)
        whole = self.codes[at].copy()
        whole[rows] = codes
        if exact is None and known is None:
            return RuledCells(self, None, name, whole, None)
        numbers = numbers_at(column, whole) if known is None else known.copy()
        numbers[rows] = numbers_at(column, codes) if exact is None else exact
        return RuledCells(self, None, name, whole, numbers)

    def broken(self) -> Mask:
        """(k,) rows that break a rule, once all columns are drawn; cells that are all left as observed are none."""
        found = np.zeros(self.codes.shape[1], dtype=np.bool_)
        for known in self.rules:
            found |= self._broken(known, RuledCells(self, None, "", None, None))
        return found

    def broken_by_rule(self) -> dict[str, int]:
        """How many rows break each rule, by its text."""
        found: dict[str, int] = {}
        for known in self.rules:
            count = int(np.count_nonzero(self._broken(known, RuledCells(self, None, "", None, None))))
            if count:
                found[known.rule.text] = found.get(known.rule.text, 0) + count
        return found

    def _broken(self, known: _Known, cells: RuledCells) -> Mask:
        """(k,) rows that break a rule."""
        settled, tree = known.settled, known.rule.tree
        broken = known.rule.decided(cells)[1] if not isinstance(tree, Unique) else repeated(tree, cells, settled)[0]
        return np.asarray(broken if settled is None else broken & ~settled)

    def _binding(self, name: str) -> list[_Known]:
        """Rules that bind at a visit in some row."""
        rules = (known for known in self.at.get(name, ()) if not isinstance(known.rule.tree, Unique))
        return [known for known in rules if self._is_last(known, name) is not False]

    def _is_last(self, known: _Known, name: str) -> bool | None:
        """Whether a column is the last of a rule's in every row; None: in some."""
        later = [other for other in known.columns if self.rank[other] > self.rank[name]]
        if not later:
            return True
        partly = all(self.plan.column(other).where is not None for other in later)
        return None if partly else False

    def _bound(self, known: _Known, name: str, rows: Rows | None) -> Mask:
        """Rows in which all other cells of a rule are known at a visit."""
        size = self.codes.shape[1] if rows is None else len(rows)
        bound = np.ones(size, dtype=np.bool_)
        for other in known.columns:
            if self.rank[other] > self.rank[name] and self.rows is not None:
                drawn = self.prepared.where[other][self.rows]
                bound &= ~(drawn if rows is None else drawn[rows])
        return bound

    def _settled(self, columns: Sequence[str]) -> Mask | None:
        """(k,) rows in which no cell of some columns is replaced; None: there is none."""
        if self.rows is None:
            return None
        settled = np.ones(len(self.rows), dtype=np.bool_)
        for name in columns:
            planned = self.plan.column(name)
            if planned.is_kept:
                continue
            if planned.where is None:
                return None
            settled &= ~self.prepared.where[name][self.rows]
        return settled

    def _changes(self, name: str, column: Column, rows: Rows) -> Float | None:
        """(f, q) numbers of a column at which what its rules say may change; None: they are not known."""
        found: list[Float] = [np.empty((len(rows), 0))]
        for known in self._binding(name):
            if any(self.plan.column(other).is_computed for other in known.rule.names):
                return None  # it is rounded
            waiting = [known.rule.tree]
            while waiting:
                node = waiting.pop()
                if isinstance(node, Logic):
                    waiting.extend(node.arguments)
                elif isinstance(node, Missing) or name not in names_in(node):
                    continue
                elif isinstance(node, Compare) and column.is_numeric:
                    change = self._threshold(node, name, column, rows)
                    if change is None:
                        return None
                    found.append(change)
                else:
                    return None  # levels are few
        return np.concatenate(found, axis=1)

    def _threshold(self, node: Compare, name: str, column: Column, rows: Rows) -> Float | None:
        """(f, q) where a comparison changes of which both terms are linear in the column."""
        terms = [self._in_numbers(term, column) for term in (node.left, node.right)]
        if any(_degree(term, name) > 1 for term in terms):
            return None
        values = column.values
        if not column.size:
            return np.empty((len(rows), 0))  # every cell is missing
        ends = np.array([values[0], values[-1] if values[-1] > values[0] else values[0] + 1.0])
        cells = RuledCells(self, rows[:, None], name, None, None)
        inputs = {other: ends if other == name else cells.numbers(other) for other in names_in(node)}
        with np.errstate(all="ignore"):
            difference = np.asarray(apply(terms[0], inputs) - apply(terms[1], inputs), dtype=np.float64)
            at_ends = np.broadcast_to(difference, (len(rows), 2))
            slope = (at_ends[:, 1] - at_ends[:, 0]) / (ends[1] - ends[0])
            crossing = ends[0] - at_ends[:, 0] / slope
        return np.asarray(np.where(np.isfinite(crossing), crossing, values[0])[:, None])

    def _in_numbers(self, term: Node, column: Column) -> Node:
        """One term of a comparison with a column, with a number instead of a date."""
        if not isinstance(term, Text):
            return term
        number = number_of(term, column)
        return Number(np.nan if number is None else number)


def _sorted(edges: npt.NDArray[Any], first: float, last: float) -> npt.NDArray[Any]:
    """(f, q + 2) edges of each row in ascending order, between two ends."""
    ends = np.broadcast_to(np.array([first, last]), (len(edges), 2))
    return np.sort(np.concatenate([ends, edges], axis=1), axis=1)


def _degree(node: Node, name: str) -> int:
    """The degree of arithmetic in a column: 0, 1, or 2 for all that is not linear."""
    if isinstance(node, Name):
        return int(node.name == name)
    if isinstance(node, Number):
        return 0
    if not isinstance(node, Apply):
        return 2
    degrees = [_degree(one, name) for one in node.arguments]
    if node.function in {"+", "-", "neg"}:
        return max(degrees)
    if node.function == "*":
        return min(2, sum(degrees))
    if node.function == "/":
        return degrees[0] if not degrees[1] else 2
    return 2 if any(degrees) else 0
