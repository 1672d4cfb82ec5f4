"""`rp.ampute`, `rp.missing_patterns`, `rp.flux`: tables with missing cells, made and described."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from replicant import missing
from replicant.errors import SpecError
from replicant.missing import Flux, MissingPatterns
from replicant.plan.seeds import Stage, stream
from replicant.synthesis import Data, encode

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ampute", "flux", "missing_patterns"]


def ampute(
    data: Data,
    share: float = 0.5,
    mechanism: Literal["MCAR", "MAR", "MNAR"] = "MAR",
    pattern: Sequence[Sequence[str]] | None = None,
    columns: Sequence[str] | None = None,
    weights: Mapping[str, float] | None = None,
    seed: int | None = None,
    *,
    frequency: Sequence[float] | None = None,
    tail: Literal["right", "left", "mid", "tail"] = "right",
    reading: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Make cells of a complete table missing, by a mechanism that is known: to try out what imputation recovers.

    Each row is a candidate of one pattern of missing cells. A weighted sum of the standardized columns is its score
    (of ordered, binary and nominal columns the position of the level counts), and a logistic function of the score is
    the probability that it loses the cells of its pattern. The mean of these probabilities is `share`.

    Parameters
    ----------
    data
        pandas, Polars or PyArrow table, a path or URL, or an encoded `Table`.
    share
        Share of the rows that lose cells, on average over seeds: 0.3 for about three rows in ten.
    mechanism
        `MCAR`: all rows are equally likely to lose cells. `MAR`: that depends on the columns that the pattern leaves
        observed. `MNAR`: it depends on the values that go missing.
    pattern
        Columns that go missing together, a list of names for each pattern: `[["hgt", "bmi"], ["tv"]]`. None: each of
        `columns` by itself.
    columns
        Columns that may go missing, each by itself, where no `pattern` is given. None: all but identifiers.
    weights
        Weight of each column in the score: `{"age": 1, "hgt": -0.5}`. Columns that are not named have none. Under `MAR`
        a column's weight does not count in patterns in which it goes missing itself. None: 1 for each column that the
        mechanism looks at.
    seed
        Random seed; None takes one from the operating system.
    frequency
        How often rows are candidates of each pattern, relative to the others. None: all are equally frequent.
    tail
        Which scores are likely to be incomplete: high ones (`right`), low ones (`left`), those in the middle (`mid`),
        or those at both ends (`tail`).
    reading
        How a file is written; see `synthesize`.

    Returns
    -------
    DataFrame
        The same rows; nothing but the cells that went missing differs. A column whose type has no missing value becomes
        one that has, as in pandas: int64 becomes float64, which is exact up to 2**53.

    Raises
    ------
    SpecError
        If an argument asks for something impossible.
    DataError
        If a column that goes missing, or one that decides on it, has missing cells already.

    References
    ----------
    Schouten, R. M., Lugtig, P. and Vink, G. (2018). Generating missing values for simulation purposes: a multivariate
    amputation procedure. *Journal of Statistical Computation and Simulation* 88(15), 2909-2930.

    Examples
    --------
    >>> import replicant as rp
    >>> from statsmodels.datasets import anes96
    >>> people = anes96.load_pandas().data[["age", "educ", "income"]]
    >>> holes = rp.ampute(people, share=0.3, mechanism="MAR", columns=["income"], seed=1)
    >>> round(float(holes["income"].isna().mean()), 2)
    0.3
    >>> print(rp.missing_patterns(holes))
    944 rows, 673 of them complete; 2 patterns
    rows    share  missing
     673   71.3 %  none
     271   28.7 %  income
    """
    import pandas as pd

    if seed is not None and seed < 0:
        raise SpecError("`seed` is not a seed", need="a whole number that is not negative, or None")
    table = encode(data, None, reading)
    wanted = missing.amputation(
        table, share, mechanism, pattern=pattern, columns=columns, weights=weights, frequency=frequency, tail=tail
    )
    rng = stream(secrets.randbits(63) if seed is None else seed, Stage.AMPUTE)
    lost = missing.missing_cells(table, wanted, rng)
    codes = np.stack([np.where(lost[:, j], np.int32(-1), column.codes) for j, column in enumerate(table)])
    frame = table.to_frame(codes)
    if isinstance(data, pd.DataFrame):
        frame.index = data.index
    return frame


def missing_patterns(data: Data, *, reading: Mapping[str, Any] | None = None) -> MissingPatterns:
    """Which columns are missing together, and in how many rows.

    Parameters
    ----------
    data
        pandas, Polars or PyArrow table, a path or URL, or an encoded `Table`, in which coded missing values are
        missing.
    reading
        How a file is written; see `synthesize`.

    Returns
    -------
    MissingPatterns
        `.frame` has a row for each pattern, `.matrix` says by column what is missing.

    References
    ----------
    van Buuren, S. (2018). *Flexible Imputation of Missing Data*, 2nd edition, section 4.1. Chapman & Hall/CRC.
    """
    return missing.missing_patterns(encode(data, None, reading))


def flux(data: Data, *, reading: Mapping[str, Any] | None = None) -> Flux:
    """How well the missing cells of each column connect to what is observed, and its observed cells to what is missing.

    Parameters
    ----------
    data
        pandas, Polars or PyArrow table, a path or URL, or an encoded `Table`, in which coded missing values are
        missing.
    reading
        How a file is written; see `synthesize`.

    Returns
    -------
    Flux
        `.frame` has a row for each column.

    References
    ----------
    van Buuren, S. (2018). *Flexible Imputation of Missing Data*, 2nd edition, section 4.1.3. Chapman & Hall/CRC.
    """
    return missing.flux(encode(data, None, reading))
