"""`rp.impute`: a table with missing cells in, m completed tables out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from replicant import methods
from replicant.plan import build_plan
from replicant.spec.load import validate_completion
from replicant.synthesis.call import Data, encode, progress_of, source_of
from replicant.synthesis.imputation import Imputation
from replicant.synthesis.result import say
from replicant.table import is_dask_frame

if TYPE_CHECKING:
    from replicant.fcs import Completed
    from replicant.plan.model import Plan
    from replicant.run.source import Source
    from replicant.synthesis.partitioned import PartitionedSynthesis
    from replicant.table import Table

__all__ = ["impute"]


def impute(
    data: Data,
    m: int = 5,
    maxit: int = 10,
    method: str | Mapping[str, Any] | None = None,
    seed: int | None = None,
    *,
    predictors: Mapping[str, Sequence[str]] | None = None,
    visit_sequence: str | Sequence[str] = "table",
    passive: Mapping[str, str] | None = None,
    where: Any = None,
    ignore: Any = None,
    delta: Mapping[str, str | float] | None = None,
    missing: Mapping[str, Any] | None = None,
    cluster: str | None = None,
    random_slopes: Mapping[str, Sequence[str]] | None = None,
    cluster_means: bool = False,
    drop: str | Sequence[str] | None = None,
    strata: str | Sequence[str] | None = None,
    min_stratum: int = 100,
    partition_rows: int | None = None,
    columns: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    client: Any = None,
    threads: int | None = None,
) -> Imputation | PartitionedSynthesis:
    """Fill the missing cells of a table m times, by fully conditional specification.

    Each of m chains starts from random observed values. In every iteration each incomplete column is drawn given all
    others as they are then, from a model that is fitted on the rows in which it is observed. The result is the same,
    byte for byte, for any number of threads or workers.

    Parameters
    ----------
    data
        A pandas, Polars or PyArrow table, a `dask.dataframe`, a path or URL, or a `Table` from `encode_table`.
    m
        Number of completed tables, and of chains.
    maxit
        Iterations of each chain.
    method
        One method for all incomplete columns, or one by column, with its options: `{"income": {"name": "pmm",
        "donors": 10}}`. None: as in mice, `pmm` for numbers and dates, `logreg`, `polyreg` and `polr` for binary,
        nominal and ordered columns.
    seed
        Seed of all random streams. None draws one from the operating system.
    predictors
        For a column, the only ones it may be predicted from. Left out: all others.
    visit_sequence
        `table`, `reverse`, `monotone` (fewest missing cells first), `revmonotone`, `random` (an order of its own for
        each chain), or a list.
    passive
        Columns whose missing cells are computed from others whenever these change: `{"bmi": "wgt / (hgt / 100)**2"}`.
    where
        Cells to impute: rules, a rule by column, or masks. None for the missing ones.
    ignore
        Rows that are imputed but not fitted on: a rule, rules, or a mask.
    delta
        By column, what is added to imputed numbers at each visit, or what they are multiplied by: `"+0.2 sd"`, `-5`,
        `"*1.1"`. For analyses of sensitivity to data that are not missing at random.
    missing
        Cells that are missing by design and stay so, by column: `"keep"`, or `{"when": "married != 'yes'", "as":
        "keep"}`.
    cluster
        The column that says which cluster a row belongs to; methods for multilevel data are then the default.
    random_slopes
        With `cluster`: by column, the predictors that have a random slope.
    cluster_means
        With `cluster`: whether the means of numeric predictors in their cluster are predictors as well.
    drop
        Columns to leave out.
    strata
        Columns by whose levels the rows are cut, each stratum being imputed by itself.
    min_stratum
        Strata with fewer rows are pooled.
    partition_rows
        Rows of the random partitions that the table, or each stratum, is shuffled into; each is imputed by itself.
        None: a Dask DataFrame has partitions that workers have the memory for, any other table is one partition.
    columns
        What inference gets wrong, by column. See `ColumnSpec`.
    reading
        How a file is written, where that is not to be recognised.
    client
        A `distributed.Client` to run on. None: the active client; this process, if there is none.
    threads
        Number of threads of this process, instead of a client.

    Returns
    -------
    Imputation
        The m completed tables, and all that is known of the chains. They hold real records: they are as confidential
        as the data. In partitions it is a `PartitionedSynthesis`, whose tables stay where they were drawn.

    Raises
    ------
    SpecError
        If an argument asks for something impossible.
    DataError
        If the table cannot be read or encoded.

    References
    ----------
    van Buuren, S. (2018). *Flexible Imputation of Missing Data*, second edition, chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> import replicant as rp
    >>> from statsmodels.datasets import anes96
    >>> people = anes96.load_pandas().data[["age", "educ", "TVnews"]]
    >>> people.loc[::7, "age"] = np.nan
    >>> imp = rp.impute(people, m=2, maxit=3, seed=1)
    >>> imp
    <Imputation m=2, 944 rows x 3 columns, 135 cells in 1 column, 3 iterations>
    >>> int(imp[0]["age"].isna().sum())
    0
    """
    settings = {
        "maxit": maxit,
        "method": method,
        "predictors": predictors or {},
        "visit_sequence": visit_sequence,
        "passive": passive or {},
        "where": where,
        "ignore": ignore,
        "delta": delta or {},
        "missing": missing or {},
        "cluster": cluster,
        "random_slopes": random_slopes or {},
        "cluster_means": cluster_means,
    }
    settings_of_sets = {"m": m, "seed": seed, "drop": drop or [], "strata": strata, "min_stratum": min_stratum}
    spec = validate_completion(settings, partition_rows=partition_rows, **settings_of_sets)
    if partition_rows is not None or is_dask_frame(data):
        from replicant.execution import progress
        from replicant.execution.backend import Backend
        from replicant.synthesis.partitioned import synthesize_partitions

        backend = Backend.of_call(client, threads)
        return synthesize_partitions(
            data, spec, columns, reading, backend, progress.choose(quiet=not backend.on_cluster)
        )
    source = source_of(data, columns, reading, spec)
    table = encode(data, columns, reading, spec)
    plan = build_plan(spec, table, methods=methods.registered())
    run = _Run(client, threads, source)
    return Imputation(
        plan, table, run(plan, table, {}), spec=spec, source=None if source is None else source.describe(), run=run
    )


class _Run:
    """Runs chains of a plan, from the start or from where others ended."""

    def __init__(self, client: Any, threads: int | None, source: Source | None) -> None:
        from replicant.execution.backend import Backend

        self.backend = Backend.of_call(client, threads)
        self.source = source

    def __call__(self, plan: Plan, table: Table, starts: Mapping[tuple[int, int], Completed]) -> list[Any]:
        from replicant.run.in_memory import ensure_compiled, run_plan

        ensure_compiled(plan, say)
        with self.backend.open(progress_of(plan, self.backend)) as executor:
            reread = self.backend.on_cluster and self.source is not None
            data = replace(self.source, digest=table.digest()) if reread and self.source else table
            return run_plan(plan, data, executor, starts=starts)
