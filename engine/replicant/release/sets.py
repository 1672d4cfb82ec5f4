"""What m synthetic sets are read by, whether just drawn or released."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from replicant.analysis import Analyses, Comparison, Discriminated

__all__ = ["SyntheticSets", "stack"]


class SyntheticSets(Sequence["pd.DataFrame"]):
    """m synthetic frames of one table. Each is made when it is first asked for, and kept."""

    def __init__(self) -> None:
        self._frames: dict[int, pd.DataFrame] = {}

    @property
    @abstractmethod
    def m(self) -> int:
        """Number of synthetic sets."""

    @property
    @abstractmethod
    def manifest(self) -> dict[str, Any]:
        """What a release says of itself: nothing in it is confidential."""

    @abstractmethod
    def _make(self, imputation: int) -> pd.DataFrame:
        """The frame of one set, counted from 0."""

    def _data(self, imputation: int) -> pd.DataFrame | Sequence[Callable[[], pd.DataFrame]]:
        """A set for an estimator: the frame, or functions that load its partitions one at a time."""
        return self[imputation]

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
        position = imputation + self.m if imputation < 0 else imputation
        if not 0 <= position < self.m:
            raise IndexError(f"there are {self.m} synthetic sets, counted from 0")
        if position not in self._frames:
            self._frames[position] = self._make(position)
        return self._frames[position]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return (self[i] for i in range(self.m))

    def stack(self) -> pd.DataFrame:
        """All sets below one another, with a first column `imputation` (1 to m).

        Raises
        ------
        SpecError
            If a column of the data has that name already.
        """
        return stack(list(self))

    def analyse(
        self, model: str | Callable[..., Any], formula: str = "", *, weights: str | None = None, **options: Any
    ) -> Analyses:
        """Fit a model on each set; `.pool()` then combines the fits by the rule that holds for these sets.

        Parameters
        ----------
        model
            `ols`, `logit`, `probit`, `poisson`, `gamma`, `negbin`, `polr`, `multinomial`, `quantreg`, the name of a
            model of statsmodels, or a function of a frame that gives terms, estimates and variances.
        formula
            As in R: `hgt ~ age + phb`. Ordered columns get polynomial contrasts, nominal ones treatment contrasts.
        weights
            A column of weights.
        options
            For the model.

        Returns
        -------
        Analyses
            `analyses.pool()`, `analyses[0]`, `analyses.frame`.
        """
        from replicant.analysis import analyse

        sets = [self._data(i) for i in range(self.m)]
        return analyse(sets, self.manifest, model, formula, weights=weights, **options)

    def compare(
        self, real: pd.DataFrame, model: str | Callable[..., Any], formula: str = "", **options: Any
    ) -> Comparison:
        """The same model on the real data and pooled over these sets, side by side: for the data owner.

        Parameters
        ----------
        real
            The observed frame.
        model, formula
            As in `analyse`.
        options
            `rule`, `level`, and options of the model.
        """
        from replicant.analysis import compare

        return compare(real, [self._data(i) for i in range(self.m)], self.manifest, model, formula, **options)

    def discriminate(
        self,
        real: pd.DataFrame,
        formula: str | None = None,
        *,
        weights: Any = None,
        weight_kind: str = "frequency",
        rng: np.random.Generator | None = None,
    ) -> Discriminated:
        """How well a logistic model tells the real rows from those of each set: for the data owner.

        Parameters
        ----------
        real
            The observed frame.
        formula
            One-sided, such as `~ age + hgt`; None for all columns but the weights.
        weights
            Of the real rows: a column, which weights the synthetic rows too if they have it, or an array.
        weight_kind
            `frequency`: a row stands for so many equal ones; `survey`: for so many of the population.
        rng
            For the drawn classes of the paper's Table 7.

        Returns
        -------
        Discriminated
            Fits, confusion, AUC, and pMSE beside what it would be under a right model of synthesis; `.pool()` pools the
            coefficients over the sets.
        """
        from replicant.analysis import discriminate

        return discriminate(real, list(self), self.manifest, formula, weights=weights, weight_kind=weight_kind, rng=rng)


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
