"""What `rp.synthesize` gives: the m synthetic tables of one run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from replicant import fcs
from replicant.errors import SpecError
from replicant.plan.imputed_cells import cells_to_impute
from replicant.release.sets import SyntheticSets
from replicant.remedy.counts import RowCounts, row_counts
from replicant.spec.load import validate_output
from replicant.table import Codebook, Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from replicant.events import Event
    from replicant.missing import Convergence
    from replicant.plan.model import Plan
    from replicant.remedy.rows import RowRemedies
    from replicant.run.release_writer import Writer
    from replicant.run.tasks import DrawnSet
    from replicant.view.plot import Plot

__all__ = ["Synthesis", "say"]

QUICK_ROWS = 1_000_000
"""How many synthetic rows a look at the result counts at most, if there is more than one set."""


class Synthesis(SyntheticSets):
    """The m synthetic tables of one run.

    Tables are kept in codes and decoded when they are first looked at: `syn[0]`, `for frame in syn`, `syn.stack()`.

    Attributes
    ----------
    plan
        What was done, column by column. Holds the seed: it stays with the data owner.
    table
        The observed table, encoded. Confidential.
    spec
        What was asked for.
    """

    def __init__(
        self,
        plan: Plan,
        table: Table,
        drawn: Sequence[DrawnSet],
        *,
        spec: Any = None,
        source: Mapping[str, Any] | None = None,
        remedies: RowRemedies | None = None,
    ) -> None:
        super().__init__()
        self.plan = plan
        self.table = table
        self._drawn = sorted(drawn, key=lambda part: (part.imputation, part.partition))
        self.spec, self._source = spec, source  # for the internal manifest
        self._accounts = tuple(one.account for one in self._drawn)
        self._remedies = remedies
        self._row_counts: dict[int, RowCounts] = {}
        self._summary: dict[str, Any] | None = None

    @property
    def m(self) -> int:
        """Number of synthetic tables."""
        return self.plan.m

    @property
    def events(self) -> tuple[Event, ...]:
        """What was unusual in the data or the request, and what was done about it."""
        return (*self.plan.events, *fcs.account_events(self._accounts, self.plan))

    @property
    def canaries(self) -> Mapping[str, Any] | None:
        """What came back of planted canaries, counted over all sets; None if there were none."""
        found = fcs.total(one.canaries for one in self._accounts)
        return None if found is None else asdict(found)

    @property
    def protection(self) -> pd.DataFrame:
        """What it changed that leaves protect their donors, by column, in the trees of the first set.

        Each is held against the tree that would be grown without: `leaves` that this would have, how many of them hold
        `few_records`, `few_values`, or are `dominated` by one, `rows_short`, of `rows`, in those; and what it cost, the
        share of the column's variation that trees explain: `explained_unprotected` and `explained`. Confidential.
        """
        import pandas as pd

        touched = fcs.touched_of(self._accounts)
        return pd.DataFrame.from_dict(
            {name: touched[name].as_row() for name in self.plan.names if name in touched}, orient="index"
        )

    @cached_property
    def _traces(self) -> list[fcs.Trace]:
        """The chains that filled missing cells, and what methods noted."""
        return fcs.chains_of(self._accounts)

    def convergence(self) -> Convergence:
        """Whether the chains that filled missing cells agree, by column.

        Returns
        -------
        Convergence
            R-hat and autocorrelation of the means and standard deviations of the imputed cells; their traces.

        Raises
        ------
        SpecError
            If nothing was imputed.
        """
        chains = [trace for trace in self._traces if trace.fits]
        if not chains:
            raise SpecError("nothing was imputed", need='missing="impute", or a result of rp.impute')
        return fcs.convergence_of(chains)

    def plot_trace(self, *columns: str) -> Plot:
        """Means and standard deviations of the imputed cells over the iterations, one line for each chain.

        Parameters
        ----------
        columns
            Which; none for all.

        Returns
        -------
        Plot
            Shown in a notebook, kept by `.save("trace.svg")`.

        Raises
        ------
        SpecError
            If nothing was imputed, or a column has no imputed cells.
        """
        from replicant.report.trace import plot_trace

        return plot_trace(self.convergence(), list(columns) or None)

    @property
    def notes(self) -> pd.DataFrame:
        """What methods did by themselves: imputation, iteration, column, note, times.

        Those of iteration 0 drew a column of the synthetic set itself, the others an iteration of a chain.
        """
        import pandas as pd

        head = ["imputation", "iteration", "column", "note", "times"]
        found = [
            (trace.imputation + 1, *note, count)
            for trace in self._traces
            for note, count in sorted(trace.notes.items())
        ]
        return pd.DataFrame(found, columns=head)

    def imputed_cells(self, name: str) -> NDArray[np.bool_]:
        """The cells of a column that were missing and are imputed.

        Parameters
        ----------
        name
            Of the column.

        Returns
        -------
        ndarray
            (n,) bool, by row of the table.
        """
        import numpy as np

        spec = None if self.plan.imputation is None else self.plan.imputation.spec
        cells = {} if spec is None else cells_to_impute(spec, self.table)
        return cells.get(name, np.zeros(self.table.n, dtype=np.bool_))

    @property
    def codebook(self) -> Codebook:
        """Kinds and levels of the columns, as a document that can be printed and edited."""
        return self.table.codebook

    @property
    def manifest(self) -> dict[str, Any]:
        """What a release of these tables says of itself: nothing in it is confidential."""
        from replicant.release import public_manifest

        return public_manifest(self.plan, self.table, ())

    def summary(self) -> dict[str, Any]:
        """Each column's mean and standard deviation, or shares, real beside synthetic.

        Of very large tables only as many sets are counted as keep the answer quick, but at least one.

        Returns
        -------
        dict
            As `utility.summary.summarise` describes it.
        """
        if self._summary is None:
            from replicant.summaries.summary import summarise

            sets = self[: max(1, QUICK_ROWS // max(1, self.plan.k))]
            self._summary = {**summarise(self.table, sets), "completed": self.plan.keeps_all}
        return self._summary

    def graph(self) -> Plot:
        """The tasks of the run, and which needs which, as a picture: shown in a notebook, kept by `.save("graph.svg")`.

        Of more than 150 tasks those of one kind and partition share a box, of still more those of one kind.
        """
        from replicant.plan.graph import graph_of_plan

        return graph_of_plan(self.plan)

    def to_parquet(
        self,
        uri: str | PathLike[str],
        *,
        overwrite: bool = False,
        internal: str | None = None,
        copies: Sequence[Literal["csv", "sav", "dta", "xlsx"]] = (),
        csv: bool = False,
        helpers: Sequence[Literal["r", "stata"]] = (),
        flag: bool | str = False,
    ) -> None:
        """Write a release: the m tables as Parquet files, a public manifest, and `_SUCCESS`.

        Parameters
        ----------
        uri
            A folder, or a URL that fsspec knows. Nothing is seen there before all is written.
        overwrite
            Replace a finished release.
        internal
            Where the internal manifest goes (seed, input, versions); None for `<uri>-internal` beside the release.
            Never share it.
        copies
            Formats in which the sets are written once more, beside the Parquet files, under `_copies`: `csv`,
            `sav` (SPSS), `dta` (Stata), `xlsx` (small tables). The page Formats says what each cannot hold.
        csv
            Short for `copies=["csv"]`.
        helpers
            Scripts to add for analysts, under `_scripts`, which read the sets and pool by the rule that holds: `r`
            (`analyse.R`), `stata` (`analyse.do`, and CSV, since Stata reads no Parquet).
        flag
            Whether every file has a last column `synthetic` that says so in each row, or the name of this column.
            `rp.read_release` leaves it out.

        Raises
        ------
        SpecError
            If a format or a helper is unknown.
        DataError
            If a column is of a type, or has a level, that no file can hold.
        ReleaseError
            If it cannot be written; nothing is left behind.
        """
        from replicant.run.release_writer import writing

        output = validate_output(
            path=fspath(uri), internal=internal, copies=copies, csv=csv, helpers=helpers, flag=flag
        )
        with writing(
            self.plan,
            self.table,
            output.path,
            internal=output.internal,
            overwrite=overwrite,
            copies=output.formats,
            helpers=output.helpers,
            flag=output.flag_name,
            spec=self.spec,
            source=self._source,
        ) as writer:
            self._write(writer)
            writer.elsewhere = list(self._accounts)

    def _write(self, writer: Writer) -> None:
        sink = replace(writer.sink, remedies=self._remedies)
        for part in self._drawn:
            frame = self.table.to_frame(part.codes, part.exact, self.plan.outputs)
            writer.written.append(sink(frame, part.imputation, part.partition))

    def _stored(self, imputation: int) -> pa.Table:
        from replicant.release import output_schema

        return output_schema(self.plan, self.table).table(self[imputation])

    def _make(self, imputation: int) -> pd.DataFrame:
        parts = [part for part in self._drawn if part.imputation == imputation]
        if self._remedies is not None:
            return self._treated(imputation, parts)
        codes, exact = fcs.join(self.table, [part.codes for part in parts], [part.exact for part in parts])
        return self.table.to_frame(codes, exact, self.plan.outputs)

    def _with(self, remedies: RowRemedies) -> Synthesis:
        """The same sets after what is done to their rows at risk."""
        return Synthesis(self.plan, self.table, self._drawn, spec=self.spec, source=self._source, remedies=remedies)

    @property
    def row_counts(self) -> RowCounts | None:
        """What was done to rows at risk, over all sets; None if nothing was."""
        return row_counts(self._row_counts[i] for i, _ in enumerate(self)) if self._remedies is not None else None

    def _treated(self, imputation: int, parts: Sequence[DrawnSet]) -> pd.DataFrame:
        import pandas as pd

        assert self._remedies is not None
        frames = [self.table.to_frame(part.codes, part.exact, self.plan.outputs) for part in parts]
        both = zip(frames, parts, strict=True)
        found = [self._remedies(frame, imputation, part.partition) for frame, part in both]
        self._row_counts[imputation] = row_counts(one.counts for one in found) or RowCounts()
        frames = [one.frame for one in found]
        return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)

    def __repr__(self) -> str:
        plan = self.plan
        size = f"{plan.k:,} rows x {len(plan.columns)} columns"
        return f"<Synthesis m={plan.m}, {size}, {plan.conditioning} conditioning, {len(plan.events)} events>"

    def __str__(self) -> str:
        from replicant.report import terminal

        lines = [repr(self)[1:-1], "", terminal.render(self.summary())]
        return "\n".join([*lines, *(f" {event.line()}" for event in self.events)])

    def _repr_html_(self) -> str:
        from replicant.plan.show import inner
        from replicant.report import html
        from replicant.view.fragment import folded

        done = "".join(inner(self.plan, self.table))
        return html.render(self.summary(), folded("What was done, column by column", done))


def say(line: str) -> None:
    """Say something while a call runs."""
    print(line, file=sys.stderr, flush=True)
