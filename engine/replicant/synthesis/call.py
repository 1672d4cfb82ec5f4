"""`rp.synthesize`: a table in, m synthetic tables out, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from replicant import methods
from replicant.errors import SpecError
from replicant.fcs import find_orders
from replicant.plan import build_plan
from replicant.plan.recoding import encode_recoded, recode_table
from replicant.spec.load import validate_imputation, validate_synthesis
from replicant.synthesis.result import Synthesis, say
from replicant.table import Reading, Table, is_dask_frame, read_table

if TYPE_CHECKING:
    from replicant.execution.backend import Backend
    from replicant.execution.progress import Progress
    from replicant.plan.model import Plan
    from replicant.run.source import Source
    from replicant.spec.models import SynthesisSpec

__all__ = ["Data", "draw", "encode", "progress_of", "source_of", "synthesize"]

LONG_SECONDS = 3.0
"""A call estimated to take longer than this shows its progress."""

Data = Any
"""pandas, Polars or PyArrow table, path or URL, or an encoded `Table`."""


def synthesize(
    data: Data,
    m: int = 5,
    seed: int | None = None,
    method: str | Mapping[str, Any] = "cart",
    conditioning: Literal["synthetic", "observed"] = "synthetic",
    minbucket: int | Literal["auto"] | None = None,
    cp: float = 1e-8,
    *,
    minsplit: int | None = None,
    maxdepth: int = 30,
    min_donors: int = 1,
    l_diversity: int = 1,
    dominance: float = 0.0,
    smoothing: Literal["none", "kernel"] = "none",
    class_risk: Literal["gini", "misclassified"] | None = None,
    splits: Literal["corrected", "rpart"] | None = None,
    leaf_weights: Literal["equal", "regression"] | None = None,
    drop: str | Sequence[str] | None = None,
    top_coding: Mapping[str, Any] | None = None,
    bottom_coding: Mapping[str, Any] | None = None,
    rounding: Mapping[str, float] | None = None,
    granularity: Mapping[str, str] | None = None,
    rare: Mapping[str, Any] | None = None,
    outliers: Mapping[str, int] | None = None,
    date_shift: Mapping[str, Any] | None = None,
    passive: Mapping[str, str] | Literal["auto"] | None = None,
    predictors: Mapping[str, Sequence[str]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    rules: str | Sequence[str] = (),
    on_violation: Literal["report", "exclude_rows", "error"] = "report",
    visit_sequence: str | Sequence[str] | None = None,
    where: Any = None,
    cluster: str | None = None,
    random_slopes: Mapping[str, Sequence[str]] | None = None,
    strata: str | Sequence[str] | None = None,
    min_stratum: int = 100,
    partition_rows: int | None = None,
    k: int | None = None,
    missing: Literal["keep", "impute"] = "keep",
    imputation: Mapping[str, Any] | None = None,
    syntheses: int = 1,
    fits: Literal["own", "shared"] = "own",
    proper: bool = False,
    exclude_self: bool = False,
    donors: Literal["any", "distinct"] | Mapping[str, int] | None = None,
    shuffle: bool = True,
    canaries: int = 0,
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
        `cart`, `sample` (bootstrap of the column alone), `keep` (left as observed) or another name: one for all
        columns, or one by column, with its options: `{"hgt": {"name": "cart", "minbucket": 20}}`. `surrogate` for an
        identifier: new values of the same pattern.
    conditioning
        `synthetic`: each column is drawn given the synthetic columns before it, and no row is paired with a real one.
        `observed`: given the row's observed other columns, as in mice and the paper; many cells come back unchanged.
    minbucket
        Smallest number of rows in a leaf. `auto`: found for each tree by how leaves of several sizes tell rows held
        out, 3 to 20; 7 to 50 where few columns tell rows apart. None: `auto`; 5 under `observed` conditioning.
    cp
        Complexity parameter of rpart: a split must lower the relative error by this much.
    minsplit
        Smallest node that is split; None for three times `minbucket`.
    maxdepth
        Deepest level of a tree.
    min_donors
        Fewest distinct records in a leaf, whatever `minbucket` is: behind every value stand as many.
    l_diversity
        Fewest distinct values of a column in a leaf, or all that the column has, if these are fewer.
    dominance
        Leaves are merged in which the magnitudes but the two largest add up to less than this share of the largest: the
        p % rule.
    smoothing
        `kernel`: numbers are drawn near those of donors, so that no real one comes back but by chance. `none`: values
        are real ones.
    class_risk
        What `cp` counts for classes: `gini`, or `misclassified` rows as in rpart, which takes back every split that
        changes no majority. None: `gini`; `misclassified` under `observed` conditioning, as in mice and the paper.
    splits
        `rpart`: trees take the split that gains most. `corrected`: the one that gains most beyond what the best of as
        many cuts gains by chance, so that a column with many values or levels does not win where it says nothing.
        None: `corrected`; `rpart` under `observed` conditioning.
    leaf_weights
        `equal`: the records of a leaf are as likely as each other. `regression`: they are weighted so that their mean
        follows a regression within the leaf, which keeps coefficients from shrinking. None: `regression`; `equal` under
        `observed` conditioning.
    drop
        Columns to leave out, such as names and other identifiers.
    top_coding, bottom_coding
        Columns are recoded before anything is learnt from them. Numbers or dates above (below) a bound are set to it:
        `{"income": 200000}`, or to the value that at least 10 records reach: `{"income": {"rows": 10}}`.
    rounding
        Numbers become multiples: `{"income": 100}`.
    granularity
        Dates become the beginning of their `year`, `quarter`, `month`, `week`, `day` or `hour`: `{"birth": "month"}`.
    rare
        Levels that fewer records have are merged into `other`, those of ordered columns into a neighbour:
        `{"job": 10}`, or `{"job": {"rows": 10, "into": "elsewhere"}}`.
    outliers
        So many records in each tail exchange their values: `{"income": 10}`.
    date_shift
        All dates of a person are shifted by one number of days, drawn from the seed: `{"by": "person", "days": 30,
        "columns": ["birth", "death"], "keep": "weekday"}`.
    passive
        Columns computed from others, as whitelisted arithmetic: `{"bmi": "wgt / (hgt / 100)**2"}`. `auto`: those that
        are arithmetic on others in at least 99 of 100 rows, which the plan names.
    predictors
        For a column, the only ones it may be predicted from. Left out: all others.
    options
        For a column, options of its method that go before those for all: `{"hgt": {"minbucket": 20}}`.
    rules
        What every synthetic row keeps: `"birth <= marriage"`, `"if status == 'retired': age >= 55"`, `"city within
        region"`. Values come from donors that keep them.
    on_violation
        What to do with observed rows that break a rule: `report` how many there are, `exclude_rows` (nothing is learnt
        from them), or raise an `error`.
    visit_sequence
        `random`, the default: every imputation visits the columns in an order of its own. `auto`: orders of their own,
        too, in which columns that products of others explain come after these. `table`: left to right. Or a list.
    where
        Cells to replace: rules such as `["income > p99"]`, a rule by column, or masks. None for all.
    cluster
        The column that says which cluster a row belongs to, for methods of rows in clusters, such as `2l.norm`.
    random_slopes
        With `cluster`: by column, the predictors that have a random slope.
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
        `keep`: that a value is missing is a property of the data, synthesized like any other. `impute`: each set is
        drawn from a table whose missing cells a chain of its own has filled, as by `rp.impute`.
    imputation
        With `missing="impute"`: how, as arguments of `rp.impute`: `{"maxit": 5, "method": "cart"}`.
    syntheses
        With `missing="impute"`: sets from each completed table. One: a single step, pooled by `one_step`. More: two
        steps, m x syntheses sets, pooled by `reiter2004`.
    fits
        `own`: every imputation grows its own trees. `shared`: one set of trees serves all; faster, and
        between-imputation variance no longer holds the trees' own error.
    proper
        Draw parameters from their posterior where a method can, and grow each tree on a bootstrap sample.
    exclude_self
        A record never donates to the row that stands in for it.
    donors
        `distinct`: within one synthetic row no record donates to two cells where its leaf offers another record, which
        keeps rows from being copied column by column. `{"distinct": 2}`: to more than two cells. None:
        `{"distinct": 3}`; `any` under `observed` conditioning.
    shuffle
        Shuffle the rows, so that their position tells nothing.
    canaries
        So many made-up records are put among those that models see, and looked for in the tables: a row that equals one
        is taken out, and `rp.disclosure` shows whether they come back more often than records like them that no model
        saw. `syn.canaries` has the counts.
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
        min_donors=min_donors,
        l_diversity=l_diversity,
        dominance=dominance,
        smoothing=smoothing,
        class_risk=class_risk,
        splits=splits,
        leaf_weights=leaf_weights,
        drop=drop or [],
        top_coding=top_coding,
        bottom_coding=bottom_coding,
        rounding=rounding,
        granularity=granularity,
        rare=rare,
        outliers=outliers,
        date_shift=date_shift,
        passive=passive or {},
        predictors=predictors or {},
        options=options or {},
        rules=rules if isinstance(rules, str) else list(rules),
        on_violation=on_violation,
        visit_sequence=visit_sequence,
        where=where,
        cluster=cluster,
        random_slopes=random_slopes,
        strata=strata,
        min_stratum=min_stratum,
        partition_rows=partition_rows,
        k=k,
        missing=missing,
        imputation=imputation and validate_imputation(**imputation),
        syntheses=syntheses,
        fits=fits,
        proper=proper,
        exclude_self=exclude_self,
        donors=donors,
        shuffle=shuffle,
        canaries=canaries,
    )
    if partition_rows is not None or is_dask_frame(data):
        from replicant.execution import progress
        from replicant.execution.backend import Backend
        from replicant.synthesis.partitioned import synthesize_partitions

        backend = Backend.of_call(client, threads)

        shown = progress.choose(quiet=not backend.on_cluster)
        return synthesize_partitions(data, spec, columns, reading, backend, shown)
    source = source_of(data, columns, reading, spec)
    return draw(encode(data, columns, reading, spec), spec, source, client=client, threads=threads)


def draw(
    table: Table, spec: SynthesisSpec, source: Source | None = None, *, client: Any = None, threads: int | None = None
) -> Synthesis:
    """Synthesize an encoded table.

    Parameters
    ----------
    table, spec
        What is synthesized, and how.
    source
        Where workers can load the table for themselves.
    client, threads
        As of `synthesize`.
    """
    from replicant.execution.backend import Backend
    from replicant.run.in_memory import ensure_compiled, run_plan

    backend = Backend.of_call(client, threads)
    plan = build_plan(spec, table, methods=methods.registered(), orders=find_orders)
    ensure_compiled(plan, say)
    with backend.open(progress_of(plan, backend)) as executor:
        reread = backend.on_cluster and source is not None
        drawn = run_plan(plan, replace(source, digest=table.digest()) if reread and source else table, executor)
    return Synthesis(plan, table, drawn, spec=spec, source=None if source is None else source.describe())


def encode(
    data: Data,
    columns: Mapping[str, Any] | None,
    reading: Mapping[str, Any] | None = None,
    spec: SynthesisSpec | None = None,
) -> Table:
    """The table of whatever the user gave, without what the settings drop, and recoded as they say."""
    if isinstance(data, Table):
        if columns:
            raise SpecError("`columns` was given with a table that is encoded.", fix="give it to `encode_table`")
        if reading:
            raise SpecError("`reading` was given with a table that is encoded.", fix="give it to `read_data`")
        if spec is None:
            return data
        table = recode_table(data, spec)
        return table.without(spec.drop) if spec.drop else table
    loaded = read_table(data, reading=reading, codebook=columns)
    return encode_recoded(loaded, columns or {}, spec, () if spec is None else spec.drop)


def source_of(
    data: Data,
    columns: Mapping[str, Any] | None,
    reading: Mapping[str, Any] | None = None,
    spec: SynthesisSpec | None = None,
) -> Source | None:
    """Where workers can load it for themselves; None of data that live here only."""
    if not isinstance(data, str | PathLike):
        return None
    from replicant.run.source import Source

    return Source.at(data, columns, Reading.of(reading), spec)


def progress_of(plan: Plan, backend: Backend) -> Progress:
    """In a notebook a call to a cluster always shows its progress: whoever waits for others wants to know."""
    from replicant.execution import progress
    from replicant.execution.backend import usable_cpus

    workers = 2 if backend.on_cluster else backend.threads or usable_cpus()
    quick = plan.seconds_estimate / workers < LONG_SECONDS
    return progress.choose(quiet=quick and not (backend.on_cluster and progress.in_notebook()))
