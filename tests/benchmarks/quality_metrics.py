"""How near synthetic rows are to the real ones, as a distribution (wanted) and row by row (not wanted).

Everything is measured against two halves of the real rows: the training half, which was synthesized, and the holdout
half, which was not. Whatever holds of the training half but not of the holdout half was copied, not learned.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from quality_tables import Table
from scipy.sparse import csr_array
from scipy.stats import rankdata

__all__ = ["Halves", "Rows"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

QUERIES = 1500  # rows whose nearest neighbours are looked for
BLOCK = 64  # of them at a time
BOOSTED = 4000  # rows of each table that boosting learns to tell apart
FOLDS = 5
NATIVE = 250  # levels that boosting takes as such; those of longer columns are numbers to it
SEED = 16


@dataclass(frozen=True)
class Rows:
    """A table as arrays.

    Attributes
    ----------
    numbers
        (n, numeric columns), missing NaN.
    codes
        (n, columns with classes), positions of levels; missing one after the last.
    cells
        (n, columns) of the one-hot matrix: deciles of the training half and levels, missing in cells of their own.
    ranks
        (n, numeric columns) in [0, 1] among all real rows, missing -1.
    frame
        The columns, classes as text.
    """

    numbers: Floats
    codes: Integers
    cells: Integers
    ranks: Floats
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def hashes(self) -> NDArray[Any]:
        """One number a row, equal where rows are."""
        values = pd.DataFrame(np.hstack([self.numbers.round(9), self.codes]))
        return pd.util.hash_pandas_object(values, index=False).to_numpy()


class Halves:
    """Both halves of the real rows, encoded once, and the measures of synthetic sets against them."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.classes = list(table.classes)
        self.numeric = [column for column in table.columns if column not in table.classes]
        frames = [frame[self.numeric].to_numpy(float) for frame in table.halves]
        known = [column[~np.isnan(column)] for column in np.vstack(frames).T]
        self.sorted = [np.sort(column) for column in known]
        inner = np.linspace(0, 1, 11)[1:-1]
        self.edges = [np.unique(np.quantile(c[~np.isnan(c)], inner)) for c in frames[0].T]
        sizes = [len(edges) + 2 for edges in self.edges] + [len(levels) + 1 for levels in table.classes.values()]
        self.starts = np.cumsum([0, *sizes])
        self.train, self.hold = (self.rows(frame) for frame in table.halves)
        self.joint = self._joint(self.train)
        self.associations = self._associations(self.train, self.joint)
        self.coefficients = _least_squares(table.formula, self.train.frame)

    def rows(self, frame: pd.DataFrame) -> Rows:
        """A table of the same columns as arrays."""
        n = len(frame)
        numbers = frame[self.numeric].to_numpy(float)
        frame = frame[self.table.columns].reset_index(drop=True).astype(dict.fromkeys(self.numeric, float))
        codes = np.empty((n, len(self.classes)), np.int64)
        for j, (column, levels) in enumerate(self.table.classes.items()):
            found = pd.Categorical(frame[column], categories=levels).codes.astype(np.int64)
            codes[:, j] = np.where(found < 0, len(levels), found)
            frame[column] = np.array([*levels, "missing"], dtype=object)[codes[:, j]].tolist()
        bins = np.empty(numbers.shape, np.int64)
        ranks = np.empty(numbers.shape)
        for j, (edges, values) in enumerate(zip(self.edges, self.sorted, strict=True)):
            own, lost = numbers[:, j], np.isnan(numbers[:, j])
            bins[:, j] = np.where(lost, len(edges) + 1, np.searchsorted(edges, own, side="right"))
            place = np.searchsorted(values, own, "left") + np.searchsorted(values, own, "right")
            ranks[:, j] = np.where(lost, -1, place / 2 / max(len(values), 1))
        cells = np.hstack([bins, codes]) + self.starts[:-1]
        return Rows(numbers, codes, cells, ranks, frame)

    def measure(self, synthetic: Rows, *, fresh: bool = False) -> dict[str, float]:
        """All measures of one set.

        Parameters
        ----------
        synthetic
            The set.
        fresh
            It is the holdout half itself, as a landmark: then it is told apart from the training half.
        """
        other = self.train if fresh else self.hold
        values = self.utility(synthetic)
        values["pmse_ratio"] = self.propensity(other, synthetic)
        values["auc"] = self.discriminated(other, synthetic)
        values["tstr"] = self.predicted(synthetic, other)
        values |= self.copies(synthetic)
        if fresh:
            _, values["aia_qi_train"], values["aia_all_train"] = self._inferred(synthetic, self.train)
            return values | {"nn_train": 0.5, "mia_auc": 0.5}
        return values | self.attacks(synthetic)

    def utility(self, synthetic: Rows) -> dict[str, float]:
        """Marginals, associations, tables of two columns, and coefficients, against the training half.

        `uni_mean`: mean over columns of the total variation distance (classes) or of the larger of the
        Kolmogorov-Smirnov distance and the difference in missing cells (numbers). `assoc_mean`: mean difference of
        rank correlations, correlation ratios and Cramér's V. `two_mean`: mean total variation of all pairs of columns,
        numbers in deciles. `coef_z_rms`: root mean square difference of coefficients, in standard errors.
        """
        joint = self._joint(synthetic)
        gaps = np.abs(joint - self.joint) / 2
        both = np.add.reduceat(np.add.reduceat(gaps, self.starts[:-1], 0), self.starts[:-1], 1)
        k, upper = len(self.numeric), np.triu_indices(len(both), 1)
        marginals = np.diag(both).copy()
        for j in range(k):
            real, own = self.train.numbers[:, j], synthetic.numbers[:, j]
            lost = np.isnan(real).mean() - np.isnan(own).mean()
            marginals[j] = max(_largest_gap(real, own), abs(lost))
        change = np.abs(self._associations(synthetic, joint) - self.associations)[upper]
        return {
            "uni_mean": float(marginals.mean()),
            "assoc_mean": float(change.mean()),
            "two_mean": float(both[upper].mean()),
            "coef_z_rms": self._coefficient_shift(synthetic.frame),
        }

    def propensity(self, real: Rows, synthetic: Rows) -> float:
        """The propensity mean squared error of a logistic regression, over its expectation under no difference.

        Snoke et al. (2018), general and specific utility measures for synthetic data, equation 2.
        """
        from sklearn.linear_model import LogisticRegression

        x = self._design(real, synthetic)
        y = np.repeat([0, 1], [len(real), len(synthetic)])
        share = len(synthetic) / len(y)
        model = LogisticRegression(C=100, solver="newton-cholesky", tol=1e-3, max_iter=25)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = model.fit(x, y).predict_proba(x)[:, 1]
        expected = x.shape[1] * (1 - share) ** 2 * share / len(y)
        return float(((score - share) ** 2).mean() / expected)

    def discriminated(self, real: Rows, synthetic: Rows) -> float:
        """Area under the curve of cross-validated boosting that tells real rows from synthetic ones; 0.5 is perfect."""
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        a, b = self._features(real)[:BOOSTED], self._features(synthetic)[:BOOSTED]
        y = np.repeat([0, 1], [len(a), len(b)])
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
        model = self._boosting(self._native(), classifies=True, smallest=10)
        scores = cross_val_predict(model, np.vstack([a, b]), y, cv=folds, method="predict_proba")[:, 1]
        return float(roc_auc_score(y, scores))

    def predicted(self, fitted: Rows, test: Rows) -> float:
        """What boosting that learns the target from synthetic rows is worth on real ones: area or R squared."""
        from sklearn.metrics import r2_score, roc_auc_score

        target = self.table.target
        keep = np.array([column != target for column in self.numeric + self.classes])
        x, rest = self._features(fitted)[:, keep], self._features(test)[:, keep]
        native = [flag for flag, kept in zip(self._native(), keep, strict=True) if kept]
        if target in self.table.classes:
            last = sorted(self.table.classes[target])[-1]
            y, real = (rows.frame[target].to_numpy() == last for rows in (fitted, test))
            if y.all() or not y.any():
                return 0.5
            model = self._boosting(native, classifies=True, smallest=20).fit(x, y)
            return float(roc_auc_score(real, model.predict_proba(rest)[:, 1]))
        y, real = (rows.frame[target].to_numpy() for rows in (fitted, test))
        known, asked = ~np.isnan(y), ~np.isnan(real)
        model = self._boosting(native, classifies=False, smallest=20).fit(x[known], y[known])
        return float(r2_score(real[asked], model.predict(rest[asked])))

    def copies(self, synthetic: Rows) -> dict[str, float]:
        """Shares of synthetic rows equal to a row that is unique in the training half, and in the holdout half."""
        own = synthetic.hashes
        shares = {}
        for name, half in (("row_unique", self.train), ("row_unique_hold", self.hold)):
            rows, counts = np.unique(half.hashes, return_counts=True)
            shares[name] = float(np.isin(own, rows[counts == 1]).mean())
        return shares

    def attacks(self, synthetic: Rows) -> dict[str, float]:
        """What Gower distances tell an intruder.

        `nn_train`: share of synthetic rows nearer to the training half than to the holdout half. `mia_auc`: membership
        inference by the distance to the nearest synthetic row. `aia_*`: share of secrets that are right if taken from
        the nearest synthetic row, the quasi-identifiers or all other columns known, of both halves.
        """
        from sklearn.metrics import roc_auc_score

        to_train, to_hold = (self._nearest(synthetic, half) for half in (self.train, self.hold))
        values = {"nn_train": _nearer(to_train, to_hold)}
        distances = []
        for name, half in (("train", self.train), ("hold", self.hold)):
            nearest, values[f"aia_qi_{name}"], values[f"aia_all_{name}"] = self._inferred(synthetic, half)
            distances.append(nearest)
        member = np.repeat([1, 0], [len(part) for part in distances])
        values["mia_auc"] = float(roc_auc_score(member, -np.concatenate(distances)))
        return values

    def _joint(self, rows: Rows) -> Floats:
        """Shares of rows in all pairs of cells: the tables of any two columns are its blocks."""
        onehot = self._onehot(rows)
        return np.asarray((onehot.T @ onehot).toarray() / len(rows))

    def _onehot(self, rows: Rows) -> Any:
        n, p = rows.cells.shape
        shape = (n, int(self.starts[-1]))
        return csr_array((np.ones(n * p), rows.cells.ravel(), np.arange(0, n * p + 1, p)), shape=shape)

    def _associations(self, rows: Rows, joint: Floats) -> Floats:
        """Rank correlations, correlation ratios and Cramér's V of all pairs of columns."""
        k, starts = len(self.numeric), self.starts
        known = (~np.isnan(rows.numbers)).astype(float)
        ranks = np.where(known > 0, rankdata(rows.numbers, axis=0, nan_policy="omit") / len(rows), 0.0)
        result = np.zeros((len(starts) - 1,) * 2)
        with np.errstate(all="ignore"):
            n, sums, squares = known.T @ known, ranks.T @ known, (ranks**2).T @ known
            spread = np.sqrt(n * squares - sums**2)
            result[:k, :k] = (n * (ranks.T @ ranks) - sums * sums.T) / (spread * spread.T)

            levels = self._onehot(rows)[:, [*range(starts[k], starts[-1])]]
            inside = starts[k:-1] - starts[k]
            if k < len(starts) - 1:
                counts, totals = levels.T @ known, levels.T @ ranks
                between = np.add.reduceat(np.nan_to_num(totals**2 / counts), inside, 0)
                mean = np.diag(sums) ** 2 / np.diag(n)
                ratio = np.sqrt(np.maximum(between - mean, 0) / (np.diag(squares) - mean))
                result[k:, :k], result[:k, k:] = ratio, ratio.T

                block = joint[starts[k] :, starts[k] :]
                shares = np.diag(block)
                fit = np.nan_to_num(block**2 / np.outer(shares, shares))
                chi = np.add.reduceat(np.add.reduceat(fit, inside, 0), inside, 1) - 1
                used = np.add.reduceat((shares > 0).astype(float), inside) - 1
                result[k:, k:] = np.sqrt(np.maximum(chi, 0) / np.minimum.outer(used, used))
        return np.nan_to_num(result)

    def _coefficient_shift(self, frame: pd.DataFrame) -> float:
        real, own = self.coefficients, _least_squares(self.table.formula, frame)
        if real is None or own is None:
            return float("nan")
        z = (own[0].reindex(real[0].index) - real[0]) / real[1]
        return float(np.sqrt((z**2).mean()))

    def _design(self, a: Rows, b: Rows) -> Floats:
        """Both tables as one matrix of standardized columns: trimmed numbers, and levels of at least 20 rows."""
        numbers = np.vstack([a.numbers, b.numbers])
        lost = np.isnan(numbers)
        low, middle, high = np.nanpercentile(numbers, [0.5, 50, 99.5], axis=0)
        columns = [np.clip(np.where(lost, middle, numbers), low, high), lost[:, lost.any(0)].astype(float)]
        for code, levels in zip(np.vstack([a.codes, b.codes]).T, self.table.classes.values(), strict=True):
            common = np.flatnonzero(np.bincount(code, minlength=len(levels) + 1) >= 20)[1:]
            columns.append((code[:, None] == common).astype(float))
        x = np.hstack(columns)
        spread = x.std(axis=0)
        return np.asarray((x - x.mean(axis=0))[:, spread > 0] / spread[spread > 0])

    def _features(self, rows: Rows) -> Floats:
        return np.hstack([rows.numbers, rows.codes.astype(float)])

    def _native(self) -> list[bool]:
        return [False] * len(self.numeric) + [len(levels) < NATIVE for levels in self.table.classes.values()]

    @staticmethod
    def _boosting(native: list[bool], *, classifies: bool, smallest: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        make = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
        return make(
            max_iter=60,
            learning_rate=0.15,
            max_leaf_nodes=31,
            min_samples_leaf=smallest,
            early_stopping=False,
            categorical_features=native,
            random_state=SEED,
        )

    def _nearest(self, asked: Rows, among: Rows) -> Floats:
        """Gower distance of the first rows of one table to the nearest row of another."""
        return np.concatenate([block.min(axis=1) for block in self._distances(asked, among, self.table.columns)])

    def _inferred(self, synthetic: Rows, half: Rows) -> tuple[Floats, float, float]:
        """Distances to the nearest synthetic row, and how often a secret is right by what the intruder knows."""
        secret = self.table.secret
        rest = [column for column in self.table.columns if column != secret]
        own = list(self._distances(half, synthetic, [secret]))
        nearest, guesses = [], []
        for with_rest, with_secret in zip(self._distances(half, synthetic, rest), own, strict=True):
            guesses.append(with_rest.argmin(axis=1))
            nearest.append((with_rest + with_secret).min(axis=1))
        known = [block.argmin(axis=1) for block in self._distances(half, synthetic, self.table.quasi_identifiers)]
        shares = [self._right(synthetic, half, np.concatenate(found)) for found in (known, guesses)]
        return np.concatenate(nearest), shares[0], shares[1]

    def _right(self, synthetic: Rows, half: Rows, found: Integers) -> float:
        guess = synthetic.frame[self.table.secret].to_numpy()[found]
        truth = half.frame[self.table.secret].to_numpy()[: len(found)]
        if self.table.secret in self.table.classes:
            return float((guess == truth).mean())
        return float((np.abs(guess - truth) <= 0.01 * np.abs(truth)).mean())

    def _distances(self, asked: Rows, among: Rows, columns: list[str]) -> Any:
        """Blocks of Gower distances over some columns."""
        numeric = [j for j, column in enumerate(self.numeric) if column in columns]
        classed = [j for j, column in enumerate(self.classes) if column in columns]
        # Single precision and blocks that stay in a core's cache make this five times as fast as `cdist`.
        here, there = (part.ranks.T[numeric].astype(np.float32, order="C") for part in (asked, among))
        code, codes = (part.codes.T[classed].astype(np.uint16, order="C") for part in (asked, among))
        for start in range(0, min(QUERIES, len(asked)), BLOCK):
            rows = slice(start, min(start + BLOCK, QUERIES))
            total = np.zeros((len(asked.ranks[rows]), len(among)), np.float32)
            gap, unequal = np.empty_like(total), np.zeros(total.shape, np.uint8)
            for own, other in zip(here, there, strict=True):
                np.subtract(own[rows, None], other, out=gap)
                total += np.abs(gap, out=gap)
            for own, other in zip(code, codes, strict=True):
                unequal += own[rows, None] != other
            yield total + unequal


def _nearer(a: Floats, b: Floats) -> float:
    return float((a < b - 1e-5).mean() + 0.5 * (np.abs(a - b) <= 1e-5).mean())


def _largest_gap(real: Floats, own: Floats) -> float:
    """The Kolmogorov-Smirnov distance of what is not missing."""
    a, b = np.sort(real[~np.isnan(real)]), np.sort(own[~np.isnan(own)])
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    every = np.concatenate([a, b])
    shares = np.searchsorted(a, every, "right") / len(a) - np.searchsorted(b, every, "right") / len(b)
    return float(np.abs(shares).max())


def _least_squares(formula: str, frame: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]] | None:
    """Coefficients and standard errors; None where the columns do not allow it."""
    import statsmodels.formula.api as smf

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model = smf.ols(formula, frame, missing="drop").fit()
        except (ValueError, np.linalg.LinAlgError):
            return None
        return model.params, model.bse
