"""`rp.synthesize`: a table in, m synthetic tables out, in one call."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from replicant import fcs, methods
from replicant.errors import SpecError
from replicant.plan import build_plan
from replicant.release.sets import SyntheticSets
from replicant.spec.load import validate_output, validate_synthesis
from replicant.table import Codebook, Reading, Table, encode_table, is_dask_frame, read_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from replicant.events import Event
    from replicant.execution.backend import Backend
    from replicant.execution.progress import Progress
    from replicant.plan.model import Plan
    from replicant.run.release_writer import Writer
    from replicant.run.source import Source
    from replicant.run.tasks import DrawnSet

__all__ = ["Data", "Synthesis", "encode", "say", "source_of", "synthesize"]

LONG_SECONDS = 3.0
"""A call estimated to take longer than this shows its progress."""

QUICK_ROWS = 1_000_000
"""How many synthetic rows a look at the result counts at most, if there is more than one set."""

Data = Any
"""pandas, Polars or PyArrow table, path or URL, or an encoded `Table`."""


def synthesize(
    data: Data,
    m: int = 5,
    seed: int | None = None,
    method: str | Mapping[str, str] = "cart",
    conditioning: Literal["synthetic", "observed"] = "synthetic",
    minbucket: int = 5,
    cp: float = 1e-8,
    *,
    minsplit: int | None = None,
    maxdepth: int = 30,
    class_risk: Literal["gini", "misclassified"] | None = None,
    drop: str | Sequence[str] | None = None,
    passive: Mapping[str, str] | None = None,
    predictors: Mapping[str, Sequence[str]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    visit_sequence: str | Sequence[str] = "random",
    where: Any = None,
    strata: str | Sequence[str] | None = None,
    min_stratum: int = 100,
    partition_rows: int | None = None,
    k: int | None = None,
    missing: Literal["keep"] = "keep",
    fits: Literal["own", "shared"] = "own",
    proper: bool = False,
    exclude_self: bool = False,
    shuffle: bool = True,
    columns: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    client: Any = None,
    threads: int | None = None,
) -> Synthesis:
    """Make m synthetic tables from a confidential one.

    Every column is drawn, in turn, from a classification or regression tree grown on the observed data: the way of
    Volker and Vink (2021) and of synthpop. The result is the same, byte for byte, for any number of threads or workers.

    Parameters
    ----------
    data
        A pandas, Polars or PyArrow table, a `dask.dataframe`, a path or URL (a text file such as .csv, .parquet, a
        folder of Parquet files), or a `Table` from `encode_table`. The rows of a Dask DataFrame are not collected: its
        partitions are read, shuffled and synthesized by the workers, which hold the result.
    m
        Number of synthetic tables.
    seed
        Seed of all random streams. None draws one from the operating system; it is kept in `plan.seed`. Whoever knows
        seed and data can tell which record a cell came from: keep it with the data.
    method
        `cart`, `sample` (bootstrap of the column alone), `keep` (left as observed) or a registered method: one for all
        columns, or one by column. `surrogate` for an identifier: new values of the same pattern.
    conditioning
        `synthetic`: each column is drawn given the synthetic columns before it, and no row is paired with a real one.
        `observed`: given the row's observed other columns, as in mice and the paper; many cells come back unchanged.
    minbucket
        Smallest number of rows in a leaf.
    cp
        Complexity parameter of rpart: a split must lower the relative error by this much.
    minsplit
        Smallest node that is split; None for three times `minbucket`.
    maxdepth
        Deepest level of a tree.
    class_risk
        What `cp` counts for classes: `gini`, or `misclassified` rows as in rpart, which takes back every split that
        changes no majority. None: `misclassified` under `observed` conditioning, as in mice and the paper, else `gini`.
    drop
        Columns to leave out, such as names and other identifiers.
    passive
        Columns computed from others, as whitelisted arithmetic: `{"bmi": "wgt / (hgt / 100)**2"}`.
    predictors
        For a column, the only ones it may be predicted from. Left out: all others.
    options
        For a column, options of its method that go before those for all: `{"hgt": {"minbucket": 20}}`.
    visit_sequence
        `random`, the default: every imputation visits the columns in an order of its own. `table`: left to right. Or a
        list.
    where
        Cells to replace: rules such as `["income > p99"]`, a rule by column, or masks. None for all.
    strata
        Columns by whose levels the rows are cut, each stratum being synthesized by itself.
    min_stratum
        Strata with fewer rows are pooled.
    partition_rows
        Rows of the random partitions that the table, or each stratum, is shuffled into; each is synthesized by itself.
        None: a Dask DataFrame has partitions that workers have the memory for, any other table is one partition.
    k
        Rows of each synthetic table; None for as many as observed.
    missing
        `keep`: that a value is missing is a property of the data, synthesized like any other.
    fits
        `own`: every imputation grows its own trees. `shared`: one set of trees serves all; faster, and
        between-imputation variance no longer holds the trees' own error.
    proper
        Grow each tree on a bootstrap sample.
    exclude_self
        A record never donates to the row that stands in for it.
    shuffle
        Shuffle the rows, so that their position tells nothing.
    columns
        What inference gets wrong, by column: `{"educ": {"kind": "ordered", "levels": [...]}}`. See `ColumnSpec`.
    reading
        How a file is written, where that is not to be recognised: `{"delimiter": ";", "decimal": ",", "encoding":
        "cp1252", "date_format": "%d/%m/%Y", "types": {"zip": "text"}}`. The keys are those of `input` in a job.
    client
        A `distributed.Client` to run on. None: the active client, as of Dask's own collections; this process, if there
        is none.
    threads
        Number of threads of this process, instead of a client; None for all usable CPUs where the table is worth it.

    Returns
    -------
    Synthesis
        The m tables and all that is known of them. In partitions it is a `PartitionedSynthesis`, whose tables stay
        where they were drawn until they are asked for.

    Raises
    ------
    SpecError
        If an argument asks for something impossible.
    DataError
        If the table cannot be synthesized as it is.

    References
    ----------
    Volker, T. B. and Vink, G. (2021). Anonymiced shareable data. *Psych* 3(4), 703-716.

    Examples
    --------
    >>> import replicant as rp
    >>> from statsmodels.datasets import anes96
    >>> people = anes96.load_pandas().data[["age", "educ", "popul", "logpopul"]]
    >>> syn = rp.synthesize(people, m=2, seed=2021, passive={"logpopul": "log(popul + 0.1)"})
    >>> syn
    <Synthesis m=2, 944 rows x 4 columns, synthetic conditioning, 0 events>
    >>> list(syn[0].columns) == list(people.columns)
    True
    """
    spec = validate_synthesis(
        m=m,
        seed=seed,
        method=method,
        conditioning=conditioning,
        minbucket=minbucket,
        cp=cp,
        minsplit=minsplit,
        maxdepth=maxdepth,
        class_risk=class_risk,
        drop=drop or [],
        passive=passive or {},
        predictors=predictors or {},
        options=options or {},
        visit_sequence=visit_sequence,
        where=where,
        strata=strata,
        min_stratum=min_stratum,
        partition_rows=partition_rows,
        k=k,
        missing=missing,
        fits=fits,
        proper=proper,
        exclude_self=exclude_self,
        shuffle=shuffle,
    )
    from replicant.execution.backend import Backend
    from replicant.run.in_memory import ensure_compiled, run_plan

    backend = Backend.of_call(client, threads)
    if partition_rows is not None or is_dask_frame(data):
        from replicant.execution import progress
        from replicant.partitioned_synthesis import synthesize_partitions

        shown = progress.choose(quiet=not backend.on_cluster)
        return synthesize_partitions(data, spec, columns, reading, backend, shown)
    source = source_of(data, columns, reading, spec.drop)
    table = encode(data, columns, reading, spec.drop)
    plan = build_plan(spec, table, methods=methods.registered())
    ensure_compiled(plan, say)
    with backend.open(_progress(plan, backend)) as executor:
        reread = backend.on_cluster and source is not None
        drawn = run_plan(plan, replace(source, digest=table.digest()) if reread and source else table, executor)
    return Synthesis(plan, table, drawn, spec=spec, source=None if source is None else source.describe())


def encode(
    data: Data,
    columns: Mapping[str, Any] | None,
    reading: Mapping[str, Any] | None = None,
    drop: Sequence[str] = (),
) -> Table:
    """The table of whatever the user gave."""
    if isinstance(data, Table):
        if columns:
            raise SpecError("`columns` was given with a table that is encoded.", fix="give it to `encode_table`")
        if reading:
            raise SpecError("`reading` was given with a table that is encoded.", fix="give it to `read_data`")
        return data.without(drop) if drop else data
    loaded = read_table(data, reading=reading, codebook=columns)
    known, by_file = loaded.declared(columns or {}), loaded.by_file(columns or {})
    return encode_table(loaded.frame, known, events=loaded.events, drop=drop, by_file=by_file)


def source_of(
    data: Data,
    columns: Mapping[str, Any] | None,
    reading: Mapping[str, Any] | None = None,
    drop: Sequence[str] = (),
) -> Source | None:
    """Where workers can load it for themselves; None of data that live here only."""
    if not isinstance(data, str | PathLike):
        return None
    from replicant.run.source import Source

    return Source.at(data, columns, Reading.of(reading), drop)


def say(line: str) -> None:
    """Say something while a call runs."""
    print(line, file=sys.stderr, flush=True)


def _progress(plan: Plan, backend: Backend) -> Progress:
    """In a notebook a call to a cluster always shows its progress: whoever waits for others wants to know."""
    from replicant.execution import progress
    from replicant.execution.backend import usable_cpus

    workers = 2 if backend.on_cluster else backend.threads or usable_cpus()
    quick = plan.seconds_estimate / workers < LONG_SECONDS
    return progress.choose(quiet=quick and not (backend.on_cluster and progress.in_notebook()))


class Synthesis(SyntheticSets):
    """The m synthetic tables of one run.

    Tables are kept in codes and decoded when they are first looked at: `syn[0]`, `for frame in syn`, `syn.stack()`.

    Attributes
    ----------
    plan
        What was done, column by column. Holds the seed: it stays with the data owner.
    table
        The observed table, encoded. Confidential.
    """

    def __init__(
        self,
        plan: Plan,
        table: Table,
        drawn: Sequence[DrawnSet],
        *,
        spec: Any = None,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.plan = plan
        self.table = table
        self._drawn = sorted(drawn, key=lambda part: (part.imputation, part.partition))
        self._spec, self._source = spec, source  # for the internal manifest
        self._summary: dict[str, Any] | None = None

    @property
    def m(self) -> int:
        """Number of synthetic tables."""
        return self.plan.m

    @property
    def events(self) -> tuple[Event, ...]:
        """What was unusual in the data or the request, and what was done about it."""
        return self.plan.events

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
            from replicant.utility.summary import summarise

            self._summary = summarise(self.table, self[: max(1, QUICK_ROWS // max(1, self.plan.k))])
        return self._summary

    def to_parquet(
        self,
        uri: str | PathLike[str],
        *,
        overwrite: bool = False,
        internal: str | None = None,
        copies: Sequence[Literal["csv", "sav", "dta", "xlsx"]] = (),
        csv: bool = False,
        helpers: Sequence[Literal["r", "stata"]] = (),
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

        output = validate_output(path=fspath(uri), internal=internal, copies=copies, csv=csv, helpers=helpers)
        with writing(
            self.plan,
            self.table,
            output.path,
            internal=output.internal,
            overwrite=overwrite,
            copies=output.formats,
            helpers=output.helpers,
            spec=self._spec,
            source=self._source,
        ) as writer:
            self._write(writer)

    def _write(self, writer: Writer) -> None:
        for part in self._drawn:
            frame = self.table.to_frame(part.codes, part.exact, self.plan.outputs)
            writer.written.append(writer.sink(frame, part.imputation, part.partition))

    def _stored(self, imputation: int) -> pa.Table:
        from replicant.release import output_schema

        return output_schema(self.plan, self.table).table(self[imputation])

    def _make(self, imputation: int) -> pd.DataFrame:
        parts = [part for part in self._drawn if part.imputation == imputation]
        codes, exact = fcs.join(self.table, [part.codes for part in parts], [part.exact for part in parts])
        return self.table.to_frame(codes, exact, self.plan.outputs)

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
