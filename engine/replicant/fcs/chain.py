"""A chain of imputation: the missing cells of a partition, drawn column after column, `maxit` times.

    start        each missing cell is a random observed one of its column
    for each iteration
        for each column of the visit sequence
            fit      on the rows in which it is observed, given the others as they are now
            draw     the rows in which it is not
            follow   passive columns that are computed from it

What does not change from one visit to the next (responses, rows, the layout of design matrices) is made once for all
chains on a partition (`ChainTable`); a chain holds the current cells, as codes, as rows of a design matrix and as
features of trees, and keeps the three equal. A visit draws from a stream whose address has the iteration in it, so that
a chain may go on where another left it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant.fcs.chain_table import ChainTable, Visit, with_codes
from replicant.fcs.checked import as_cells, checked_draw, within_reach
from replicant.fcs.trace import Note, Trace
from replicant.methods import Clustered, DonorModel, Predictors, Response
from replicant.plan.imputation import ImputedColumn
from replicant.plan.seeds import Stage, stream
from replicant.spec.rule import parse_rule
from replicant.table import Column

if TYPE_CHECKING:
    import pandas as pd

    from replicant.trees import Features

__all__ = ["Chain", "Completed"]

Int32 = npt.NDArray[np.int32]
Rows = npt.NDArray[np.intp]
Float = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Completed:
    """Where a chain is after its last iteration.

    Attributes
    ----------
    codes
        (p, n) int32 codes, missing by design below 0.
    exact
        (n,) numbers of columns that are not observed values.
    iteration
        How many iterations it has run.
    trace
        What was followed on the way.
    """

    codes: Int32
    exact: dict[str, Float]
    iteration: int
    trace: Trace


class Chain:
    """The current cells of one chain.

    Parameters
    ----------
    shared
        The partition.
    imputation, replicate
        0-based address.
    start
        Where an earlier chain ended, whose trace comes before that of this one; None: random observed values.
    """

    def __init__(
        self, shared: ChainTable, imputation: int, *, replicate: int = 0, start: Completed | None = None
    ) -> None:
        self.shared = shared
        self.imputation = imputation
        self.replicate = replicate
        self.iteration = 0 if start is None else start.iteration
        self.before = start
        self.notes: Counter[Note] = Counter()
        self.features: Features | None = shared.encoded[0].copied() if shared.uses_features else None
        self.codes = np.array([column.codes for column in shared.template.columns])
        self.exact: dict[str, Float] = {}
        self.matrix = shared.design()
        self.sequence = shared.plan.sequence(shared.seed, imputation, replicate)
        if start is None:
            self._start()
        else:
            self._resume(start)

    def completed(self, means: Float, sds: Float) -> Completed:
        """Where it is now, after iterations with these means and standard deviations."""
        shared = self.shared
        exact = {name: values.copy() for name, values in self.exact.items()}
        codes = self.codes.copy()
        self._blank_designed(codes, exact)
        cells = np.array([len(shared.imputed_rows[name]) for name in shared.traced], dtype=np.float64)
        trace = Trace(self.imputation, shared.traced, cells, means, sds, dict(self.notes))
        before = None if self.before is None else self.before.trace
        return Completed(codes, exact, self.iteration, trace.after(before))

    def stream(self, column: int) -> np.random.Generator:
        """The random numbers of a visit of a column."""
        return stream(
            self.shared.seed,
            Stage.CHAIN,
            replicate=self.replicate,
            imputation=self.imputation,
            partition=self.shared.partition,
            column=column,
            iteration=self.iteration,
        )

    def _start(self) -> None:
        shared = self.shared
        for visit in shared.visits.values():
            for name in visit.column.names:
                if name not in shared.cells:
                    continue
                codes = shared.table[name].codes[visit.fit]
                codes = codes[codes >= 0]
                rows = shared.imputed_rows[name]
                at = self.stream(shared.positions[name]).integers(0, len(codes), len(rows))
                self._set(name, rows, codes[at], None)
        for column in shared.plan.passive:
            if column.name in shared.cells:
                self._compute(column)

    def _resume(self, start: Completed) -> None:
        shared = self.shared
        for name, cells in shared.cells.items():
            if name in shared.traced:
                rows = np.flatnonzero(cells)
                exact = start.exact.get(name)
                self._set(name, rows, start.codes[shared.positions[name], rows], None if exact is None else exact[rows])

    def draw(self, visit: Visit) -> None:
        """Fit and draw a column."""
        planned, shared = visit.column, self.shared
        rng = self.stream(shared.positions[planned.name])
        if planned.declaration.block:
            self._draw_block(visit, rng)
            return
        column = shared.table[planned.name]
        rows = visit.rows
        response = visit.response
        if response.state is not None and response.ordinary is not None:
            codes, exact = self._draw_states(visit, column, rng)
        else:
            codes, exact = self._ask(visit, column, response.value, visit.weights, visit.fit, rows, rng)
        self._put(visit, codes, exact)

    def take(self, visit: Visit, drawn: npt.NDArray[Any], notes: Sequence[str]) -> None:
        """Put what was drawn for the rows of a visit, checked, and what was noted, where `draw` would."""
        for word in notes:
            self.notes[self.iteration, visit.column.name, word] += 1
        column = self.shared.table[visit.column.name]
        self._put(visit, *self._cells(column, drawn))

    def _put(self, visit: Visit, codes: Int32, exact: Float | None) -> None:
        planned = visit.column
        if planned.shift is not None:
            codes, exact = self._shifted(planned, self.shared.table[planned.name], codes, exact, visit.rows)
        self._set(planned.name, visit.rows, codes, exact)
        self._follow(planned.name)

    def _draw_states(self, visit: Visit, column: Column, rng: np.random.Generator) -> tuple[Int32, Float | None]:
        """Which cells are a spike is drawn by a tree; the others are drawn by the method, from rows that have none."""
        response = visit.response
        on_codes = visit.column.declaration.works_on == "codes"
        assert response.state is not None
        assert response.ordinary is not None
        state = response.state
        if not on_codes:
            full = np.zeros(self.shared.table.n, dtype=np.int32)
            full[visit.fit] = state.classes if state.classes is not None else 0
            state = Response(full, classes=full, n_classes=state.n_classes)
        known = self._predictors(visit, None)
        tree = self.shared.plan.trees.fit(state, known, visit.weights, rng)
        states = tree.draw(self._predictors(visit, visit.rows), rng)
        codes = np.array((0, *response.special), dtype=np.int32)[states]
        ordinary = np.flatnonzero(states == 0)
        if not ordinary.size or not response.ordinary.any():
            return codes, None
        if on_codes:
            weights, fit, value = visit.weights * response.ordinary, visit.fit, response.value
        else:
            weights, fit = visit.weights, visit.fit[response.ordinary]
            value = _some(response.value, response.ordinary)
        drawn, exact = self._ask(visit, column, value, weights, fit, visit.rows[ordinary], rng)
        codes[ordinary] = drawn
        if exact is None:
            return codes, None
        everywhere = column.numbers(codes)
        everywhere[ordinary] = exact
        return codes, everywhere

    def _ask(
        self,
        visit: Visit,
        column: Column,
        y: Response,
        weights: Int32,
        fit: Rows,
        rows: Rows,
        rng: np.random.Generator,
    ) -> tuple[Int32, Float | None]:
        declared = visit.column.declaration
        if declared.works_on == "codes":
            model = declared.method.fit(y, self._predictors(visit, None), weights, rng)
            x: Any = self._predictors(visit, rows)
        else:
            known, x = self._rows_of_design(visit, fit, rows)
            model = declared.method.fit(y, known, None, rng)
        drawn = model.draw(x, rng)
        self._note(visit.column.name, model)
        if isinstance(model, DonorModel):
            return drawn, None
        return self._drawn_cells(declared.name, column, drawn, len(rows))

    def _draw_block(self, visit: Visit, rng: np.random.Generator) -> None:
        shared, declared = self.shared, visit.column.declaration
        if declared.works_on == "codes":
            known: Any = replace(self._predictors(visit, visit.fit), codes=None, rows=visit.fit.astype(np.int32))
            x: Any = self._predictors(visit, visit.rows)
        else:
            known, x = self._rows_of_design(visit, visit.fit, visit.rows)
        model = declared.method.fit(visit.block, known, None, rng)
        given = []
        for name in visit.column.names:
            codes = shared.table[name].codes[visit.rows]
            cells = shared.cells.get(name)
            given.append(codes if cells is None else np.where(cells[visit.rows], np.int32(-1), codes))
        drawn = model.draw(x, rng, tuple(given))
        self._note(visit.column.name, model)
        for name, values in zip(visit.column.names, drawn, strict=True):
            cells = shared.cells.get(name)
            if cells is None:
                continue
            column = shared.table[name]
            chosen = np.flatnonzero(cells[visit.rows])
            new = checked_draw(values, len(visit.rows), declared.name, column)[chosen]
            codes, exact = (new.astype(np.int32), None) if new.dtype.kind != "f" else self._as_cells(column, new)
            self._set(name, visit.rows[chosen], codes, exact)
            self._follow(name)

    def _note(self, name: str, model: Any) -> None:
        for word in getattr(model, "notes", ()):
            self.notes[self.iteration, name, word] += 1

    def _drawn_cells(
        self, method: str, column: Column, drawn: npt.NDArray[Any], size: int
    ) -> tuple[Int32, Float | None]:
        """What a method drew, checked, as cells of its column."""
        return self._cells(column, checked_draw(drawn, size, method, column))

    def _cells(self, column: Column, drawn: npt.NDArray[Any]) -> tuple[Int32, Float | None]:
        if drawn.dtype.kind != "f":
            return drawn.astype(np.int32, copy=False), None
        return self._as_cells(column, drawn)

    def _as_cells(self, column: Column, numbers: Float) -> tuple[Int32, Float | None]:
        codes, exact, beyond = as_cells(numbers, column)
        self._limited(column, beyond)
        return codes, exact

    def _limited(self, column: Column, beyond: bool) -> None:
        if beyond:
            self.notes[self.iteration, column.name, "limited"] += 1

    def _predictors(self, visit: Visit, rows: Rows | None) -> Predictors:
        """The predictors of some rows as they are now; of all, for a fit, if None."""
        features = self.features
        assert features is not None
        size = self.shared.table.n if rows is None else len(rows)
        codes = None if rows is None else np.ascontiguousarray(features.codes.take(rows, axis=1).T)
        return Predictors(
            features,
            visit.subset,
            size,
            codes=codes,
            _frame=lambda: self._frame(visit.column.predictors, rows),
        )

    def _frame(self, names: Sequence[str], rows: Rows | None) -> pd.DataFrame:
        import pandas as pd

        cells = {}
        for name in names:
            at, exact = self.shared.positions[name], self.exact.get(name)
            chosen = slice(None) if rows is None else rows
            column = self.shared.table.columns[at]
            cells[name] = column.restore(self.codes[at, chosen], None if exact is None else exact[chosen])
        size = self.shared.table.n if rows is None else len(rows)
        return pd.DataFrame(cells, index=pd.RangeIndex(size), copy=False)

    def _rows_of_design(self, visit: Visit, fit: Rows, rows: Rows) -> tuple[Any, Any]:
        matrix = self.matrix.take(visit.design, axis=0)
        known, x = matrix.take(fit, axis=1).T, matrix.take(rows, axis=1).T
        if visit.column.declaration.works_on == "design" or self.shared.clusters is None:
            return known, x
        cluster, size = self.shared.clusters
        return (
            Clustered(known, cluster[fit], size, visit.random),
            Clustered(x, cluster[rows], size, visit.random),
        )

    def _shifted(
        self, planned: ImputedColumn, column: Column, codes: Int32, exact: Float | None, rows: Rows
    ) -> tuple[Int32, Float | None]:
        shift = planned.shift
        assert shift is not None
        amount = shift.amount
        if shift.in_sd:
            amount *= self._observed_sd(planned.name)
        numbers = column.numbers(codes) if exact is None else exact
        return self._as_cells(column, numbers * shift.factor + amount)

    def _observed_sd(self, name: str) -> float:
        column = self.shared.table[name]
        numbers = column.numbers(column.codes[column.codes >= 0])
        return float(numbers.std(ddof=1)) if len(numbers) > 1 else 0.0

    def _set(self, name: str, rows: Rows, codes: Int32, exact: Float | None) -> None:
        """Put cells of a column where all that looks at them finds them."""
        shared = self.shared
        at = shared.positions[name]
        self.codes[at][rows] = codes  # twice as quick as [at, rows]
        held = self.exact.get(name)
        column = shared.table.columns[at]
        if exact is not None and held is None:
            held = self.exact[name] = column.numbers(self.codes[at])
        if held is not None:
            held[rows] = column.numbers(codes) if exact is None else exact
        if self.matrix.size and name in shared.layout:
            shared.write_design(self.matrix, name, rows, codes, exact)
        if self.features is not None:
            features = shared.encoded[1][name]
            for position, encoded in zip(features.positions, features.encode(codes), strict=True):
                self.features.recode(position, rows, encoded)

    def _follow(self, name: str) -> None:
        for column in self.shared.passives(name):
            self._compute(column)

    def _compute(self, planned: ImputedColumn) -> None:
        """The missing cells of a passive column, from the others of their rows."""
        shared = self.shared
        assert planned.expression is not None
        rows = np.flatnonzero(shared.cells[planned.name])
        column = shared.table[planned.name]
        inputs = {}
        for name in planned.predictors:
            held = self.exact.get(name)
            at = shared.positions[name]
            inputs[name] = shared.table.columns[at].numbers(self.codes[at, rows]) if held is None else held[rows]
        exact, beyond = within_reach(column.rounded(planned.expression.evaluate(inputs)), column)
        self._limited(column, beyond)
        self._set(planned.name, rows, column.nearest_codes(exact), exact)

    def imputed(self, name: str) -> Float:
        """The numbers in the imputed cells of a column; of levels their positions from 1."""
        shared = self.shared
        rows = shared.imputed_rows[name]
        held = self.exact.get(name)
        if held is not None:
            return held[rows]
        at = shared.positions[name]
        column, codes = shared.table.columns[at], self.codes[at][rows]
        numbers: Float = column.values.take(codes, mode="clip") if column.is_numeric else codes + 1.0
        return numbers

    def _blank_designed(self, codes: Int32, exact: dict[str, Float]) -> None:
        """A cell whose condition of being missing holds now that other cells of its row are known is missing."""
        shared = self.shared
        kept = {name: said for name, said in shared.plan.spec.missing.items() if said.when and name in shared.cells}
        if not kept:
            return
        columns = tuple(with_codes(column, codes[at]) for at, column in enumerate(shared.table.columns))
        now = replace(shared.table, columns=columns)
        for name, said in kept.items():
            stays = shared.cells[name] & parse_rule(str(said.when)).mask(now)
            at = shared.positions[name]
            codes[at, stays] = shared.table.columns[at].codes[stays]
            if name in exact:
                exact[name][stays] = np.nan


def _some(response: Response, chosen: Mask) -> Response:
    """The response of some of its rows."""
    return Response(
        response.codes[chosen],
        None if response.numbers is None else response.numbers[chosen],
        None if response.classes is None else response.classes[chosen],
        response.n_classes,
    )
