"""What m synthetic sets are read by, whether just drawn or released."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from replicant.table.names import names_of, set_number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from replicant.analysis import Analyses, Comparison, Data, Discriminated
    from replicant.estimate import Correlation
    from replicant.estimate.partitions import DeferredPartitions, Load
    from replicant.view.plot import Plot

__all__ = ["SyntheticSets", "stack"]


class SyntheticSets(Sequence["pd.DataFrame"]):
    """m synthetic frames of one table. Each is made when it is first asked for, and kept."""

    def __init__(self, elsewhere: Callable[[Sequence[Any]], DeferredPartitions] | None = None) -> None:
        self._frames: dict[int, pd.DataFrame] = {}
        self._elsewhere = elsewhere

    @property
    @abstractmethod
    def m(self) -> int:
        """Number of synthetic sets."""

    @property
    @abstractmethod
    def manifest(self) -> dict[str, Any]:
        """What a release says of itself: nothing in it is confidential."""

    @property
    def canaries(self) -> Mapping[str, Any] | None:
        """What came back of planted canaries, counted over all sets; None if that is not known, or there were none."""
        return None

    @abstractmethod
    def _make(self, imputation: int) -> pd.DataFrame:
        """The frame of one set, counted from 0."""

    def _loads(self, imputation: int) -> list[Load]:
        """Functions that any worker can call: each gives some rows of one set, counted from 0."""
        return [self[imputation].copy]

    def _stored(self, imputation: int) -> pa.Table:
        """One set, counted from 0, as a release stores it."""
        from replicant.release.schema import to_arrow

        return to_arrow(self[imputation])

    @property
    def _schema(self) -> pa.Schema:
        """How a release stores the columns."""
        return self._stored(0).schema

    def _data(self, imputation: int) -> Data:
        """A set for an estimator."""
        return self[imputation]

    def _partitioned(self, loads: Sequence[Any]) -> Data:
        """Partitions to be loaded where the sets are computed with: here, one at a time, or elsewhere."""
        if self._elsewhere is not None:
            return self._elsewhere(loads)
        return loads[0]() if len(loads) == 1 else loads

    @property
    def _all(self) -> list[Data]:
        return [self._data(i) for i in range(self.m)]

    def _observed(self, real: Any, reading: Mapping[str, Any] | None) -> Data:
        """Real rows, recoded as the release says that its own were: what anybody can do who has both."""
        from replicant.analysis.data import recoded
        from replicant.table import Codebook

        return recoded(self._as_given(real, reading), Codebook.from_manifest(self.manifest))

    def _as_given(self, real: Any, reading: Mapping[str, Any] | None) -> Data:
        from replicant.table import Codebook, Kind, Table, is_dask_frame, read_chunks, read_data

        if is_dask_frame(real):
            from replicant.execution.dask_frames import partitions_of

            parts = partitions_of(real)
            here = self._elsewhere is None
            return self._partitioned([partial(one.compute, scheduler="sync") if here else one for one in parts])
        if isinstance(real, list) and real and all(map(callable, real)):
            return self._partitioned(real)
        if not isinstance(real, (str, os.PathLike)):
            return read_data(real.observed() if isinstance(real, Table) else real, reading=reading)
        # Codes of a text file stay as the codebook has them; how its dates are written it does not say.
        known = Codebook.from_manifest(self.manifest).items()
        codebook = {name: spec for name, spec in known if spec.kind is not Kind.DATE}
        return self._partitioned(read_chunks(real, reading=reading, codebook=codebook))

    def __len__(self) -> int:
        return self.m

    @overload
    def __getitem__(self, imputation: int) -> pd.DataFrame: ...
    @overload
    def __getitem__(self, imputation: slice) -> list[pd.DataFrame]: ...
    def __getitem__(self, imputation: int | slice) -> pd.DataFrame | list[pd.DataFrame]:
        """One synthetic set, counted from 0; the same object each time."""
        if isinstance(imputation, slice):
            return [self[i] for i in range(*imputation.indices(self.m))]
        position = set_number(imputation, self.m, 'a column is [0]["age"], or .stack()["age"] of all')
        if position not in self._frames:
            self._frames[position] = self._make(position)
        return self._frames[position]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self[i] for i in range(self.m))

    if not TYPE_CHECKING:  # type checkers report names that do not exist

        def __getattr__(self, name: str) -> Any:
            said = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name.startswith("_") or hasattr(type(self), name):
                raise AttributeError(said)
            from replicant.release.elsewhere import hint_for

            columns = [entry["name"] for entry in self.manifest.get("columns", ())]
            known = [one for one in dir(type(self)) if not one.startswith("_")]
            hint = hint_for(name, known, columns)
            raise AttributeError(f"{said}: {hint}" if hint else said)

    def stack(self) -> pd.DataFrame:
        """All sets below one another, with a first column `imputation` (1 to m).

        Raises
        ------
        SpecError
            If a column of the data has that name already.
        """
        return stack(list(self))

    def frames(self, library: Literal["pandas", "polars", "arrow"] = "pandas") -> list[Any]:
        """All sets as frames of another library, typed as in the Parquet files of a release.

        Parameters
        ----------
        library
            `pandas`, `polars`, or `arrow` for `pyarrow.Table`.

        Returns
        -------
        list
            One frame for each set.

        Raises
        ------
        SpecError
            If the library is another one, or is not installed.
        """
        if library == "pandas":
            return list(self)
        from replicant.errors import SpecError, nearest

        if library not in {"polars", "arrow"}:
            raise SpecError(
                f"Sets cannot be given as {library!r}{nearest(library, ['pandas', 'polars', 'arrow'])}.",
                need="pandas, polars or arrow",
            )
        tables = [self._stored(i) for i in range(self.m)]
        if library == "arrow":
            return tables
        try:
            import polars
        except ImportError:
            raise SpecError("Polars is not installed.", fix="pip install polars") from None
        return [polars.from_arrow(table) for table in tables]

    def to_dask(self, imputation: int | None = None) -> Any:
        """The sets as a lazy `dask.dataframe`: partitions are read, or decoded, where they are computed with.

        Parameters
        ----------
        imputation
            One set, counted from 0. None: all of them below one another, with a first column `imputation` (1 to m).

        Returns
        -------
        dask.dataframe.DataFrame
            With the types of the sets.
        """
        from replicant.execution.dask_frames import frame_of
        from replicant.release.arrow import from_arrow

        meta = from_arrow(self._schema.empty_table())
        one = imputation is not None
        wanted = [set_number(imputation, self.m, "all sets are .to_dask()")] if one else range(self.m)
        loads = [(i + 1, load) for i in wanted for load in self._loads(i)]
        return frame_of(loads, meta, numbered=not one)

    def analyse(
        self, model: str | Callable[..., Any], formula: str = "", *, weights: str | None = None, **options: Any
    ) -> Analyses:
        """Fit a model on each set; `.pool()` then combines the fits by the rule that holds for these sets.

        Parameters
        ----------
        model
            `ols`, `logit`, `probit`, `poisson`, `gamma`, `polr`, `multinomial`, `phreg` (Cox), `negbin`, `quantreg`,
            `mixedlm`, `glm`, `gee`, `rlm`, `conditional_logit`, `conditional_poisson`, or a function of a frame that
            gives terms, estimates and variances.
        formula
            As in R: `hgt ~ age + phb`, with `bs`, `ns`, `poly`, `offset`, `C(x, ref="b")`, `I(x > 3)`; see
            `replicant.estimate.formula`. Ordered columns get polynomial contrasts, nominal ones treatment contrasts.
        weights
            A column of weights. What they are is said by `weight_kind`.
        options
            `weight_kind="survey"` (a row represents that many units of a population) or `"frequency"` (that many equal
            ones); of a survey `strata`, `clusters`, `fpc`, `nest` and `lonely_psu`; `cov="HC3"` or `cluster="column"`
            for robust or clustered standard errors; those of the model, such as `status` of `phreg` or `q` of
            `quantreg`. See `replicant.estimate.fit`.

        Returns
        -------
        Analyses
            `analyses.pool()`, `analyses.test("phb")`, `analyses.r_squared()`, `analyses[0]`, `analyses.frame`.
        """
        from replicant.analysis import analyse

        return analyse(self._all, self.manifest, model, formula, weights=weights, **options)

    def compare(
        self,
        real: Any,
        model: str | Callable[..., Any],
        formula: str = "",
        *,
        reading: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Comparison:
        """The same model on the real data and pooled over these sets, side by side: for the data owner.

        Parameters
        ----------
        real
            The observed table: a frame, an encoded `Table` (whose codebook made labels of codes), a `dask.dataframe`,
            or the path or URL of a file or of a folder of Parquet files. The last two are read partition by partition,
            on the workers if the sets are there.
        model, formula
            As in `analyse`.
        reading
            How the file is written, as for `rp.synthesize`: `{"delimiter": ";", "decimal": ","}`.
        options
            `rule`, `level`, and options of the model.

        Returns
        -------
        Comparison
            Both fits, and for each term difference and overlap.
        """
        from replicant.analysis import compare

        return compare(self._observed(real, reading), self._all, self.manifest, model, formula, **options)

    def discriminate(
        self,
        real: Any,
        formula: str | None = None,
        *,
        reading: Mapping[str, Any] | None = None,
        weights: Any = None,
        weight_kind: str | None = None,
        rng: np.random.Generator | None = None,
        **design: Any,
    ) -> Discriminated:
        """How well a logistic model separates the real rows from those of each set; for the data owner.

        Parameters
        ----------
        real
            The observed table: a frame, an encoded `Table` (whose codebook made labels of codes), a `dask.dataframe`,
            or the path or URL of a file or of a folder of Parquet files. The last two are read partition by partition,
            on the workers if the sets are there.
        formula
            One-sided, such as `~ age + hgt`; None for all columns but the weights.
        reading
            How the file is written, as for `rp.synthesize`: `{"delimiter": ";", "decimal": ","}`.
        weights
            Weights of real rows: a column, which also weights synthetic rows that have it; or, for a frame, an array.
        weight_kind
            `frequency`: a row counts as that many equal ones; `survey`: it represents that many of the population.
        rng
            For the drawn classes of the paper's Table 7.
        design
            Design of a survey: `strata`, `clusters`, `fpc`, `nest`, `lonely_psu`, as for `replicant.estimate.fit`.

        Returns
        -------
        Discriminated
            Fits, confusion, AUC, and pMSE beside what it would be under a right model of synthesis; `.pool()` pools the
            coefficients over the sets.
        """
        from replicant.analysis import discriminate

        options = {"weights": weights, "weight_kind": weight_kind, "rng": rng, **design}
        return discriminate(self._observed(real, reading), self._all, self.manifest, formula, **options)

    def describe(
        self, columns: Sequence[str] | None = None, *, weights: str | None = None, **options: Any
    ) -> pd.DataFrame:
        """Moments and quantiles of columns, set by set.

        Parameters
        ----------
        columns
            Which; all unless given.
        weights
            A column of weights.
        options
            As for `replicant.estimate.describe`: `weight_kind`, `strata`, `clusters` and so on, `quantiles`.

        Returns
        -------
        DataFrame
            As of `replicant.estimate.describe`, with a first column `imputation` (1 to m).
        """
        from replicant.estimate import describe

        return self._tables(describe, columns, weights=weights, **options)

    def shares(
        self, columns: Sequence[str] | None = None, *, weights: str | None = None, **options: Any
    ) -> pd.DataFrame:
        """Shares of levels, set by set.

        Parameters
        ----------
        columns
            Which; all columns of levels unless given.
        weights
            A column of weights.
        options
            As for `replicant.estimate.shares`: `weight_kind`, `strata`, `clusters` and so on.

        Returns
        -------
        DataFrame
            As of `replicant.estimate.shares`, with a first column `imputation` (1 to m).
        """
        from replicant.estimate import shares

        return self._tables(shares, columns, weights=weights, **options)

    def correlation(
        self, columns: Sequence[str] | None = None, *, weights: str | None = None, **options: Any
    ) -> tuple[Correlation, ...]:
        """Correlations of columns of numbers, set by set.

        Parameters
        ----------
        columns
            Which; all columns of numbers unless given.
        weights
            A column of weights.
        options
            As for `replicant.estimate.correlation`: `method`, `weight_kind`, `strata`, `clusters` and so on.

        Returns
        -------
        tuple of Correlation
            One for each set; pool their `estimates` by `transform="fisher_z"`.
        """
        from replicant.analysis import refuse_identifiers, typed
        from replicant.estimate import correlation

        refuse_identifiers(self.manifest, columns or ())
        return tuple(correlation(typed(one, self.manifest), columns, weights=weights, **options) for one in self._all)

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """Each column's figures, and how it is distributed."""

    def plot(self, *columns: str | Iterable[str]) -> Plot:
        """Distributions of the columns, beside the real ones if these are available.

        Parameters
        ----------
        columns
            Which, at most twelve, as names or lists of names; the first twelve unless given.

        Returns
        -------
        Plot
            A notebook shows it; `.save("age.svg")` keeps it.

        Raises
        ------
        SpecError
            For a name that is not a column's.
        """
        from replicant.report.plots import distributions

        chosen = names_of(columns)
        return distributions(self.summary(), chosen)

    def _tables(
        self, function: Callable[..., pd.DataFrame], columns: Sequence[str] | None, **options: Any
    ) -> pd.DataFrame:
        from replicant.analysis import refuse_identifiers, typed

        refuse_identifiers(self.manifest, columns or ())
        return stack([function(typed(one, self.manifest), columns, **options) for one in self._all])


def stack(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames below one another, with a first column `imputation` (1 to m) and a fresh index.

    Raises
    ------
    SpecError
        If a column of the data has that name already.
    """
    import numpy as np
    import pandas as pd

    from replicant.plan.names import SET_COLUMN, check_set_column

    for frame in frames:
        check_set_column(frame.columns)
    whole = pd.concat(frames, ignore_index=True)
    numbers = np.repeat(np.arange(1, len(frames) + 1), [len(frame) for frame in frames])
    whole.insert(0, SET_COLUMN, numbers)
    return whole
