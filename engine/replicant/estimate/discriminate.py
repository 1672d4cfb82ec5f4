"""Can real and synthetic rows be told apart? By a logistic model on all columns, and by a shallow tree.

The logistic model reduces over partitions like any other. From its scores come the confusion of classes drawn with the
fitted probability and of classes cut at one half, the area under the curve, and the propensity mean squared error with
its mean and deviation where the synthesis model is right (Snoke, Raab, Nowok, Dibben & Slavkovic 2018, JRSS A 181).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.estimate.confusion import Confusion
from replicant.estimate.design import Design, Prepared, prepare
from replicant.estimate.formula import parse
from replicant.estimate.glm import fit_glm
from replicant.estimate.links import logistic
from replicant.estimate.partitions import Partitions, Source, partitioned
from replicant.estimate.result import Fit
from replicant.table.arrays import Floats

__all__ = ["Discrimination", "TreeDiscrimination", "discriminate", "discriminate_tree"]

S = TypeVar("S")
BINS = 1 << 14


@dataclass(frozen=True, eq=False, slots=True)
class _Told:
    """Partitions somewhere else, with a column that tells real from synthetic rows."""

    source: Source
    indicator: str
    value: float

    @property
    def n_partitions(self) -> int:
        return self.source.n_partitions

    @property
    def cached(self) -> bool:
        return self.source.cached

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        return self.source.reduce(lambda f, w: function(f.assign(**{self.indicator: self.value}), w), combine)


def _told(source: Source, indicator: str, value: float) -> Source:
    if isinstance(source, Partitions) and all(isinstance(frame, pd.DataFrame) for frame in source.frames):
        frames = [f.assign(**{indicator: value}) for f in source.frames if isinstance(f, pd.DataFrame)]
        return Partitions(frames, source.weights)
    return _Told(source, indicator, value)


@dataclass(frozen=True, eq=False, slots=True)
class _Pair:
    """Synthetic partitions, then real ones."""

    synthetic: Source
    real: Source

    @property
    def n_partitions(self) -> int:
        return self.synthetic.n_partitions + self.real.n_partitions

    @property
    def cached(self) -> bool:
        return self.synthetic.cached and self.real.cached

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        return combine(self.synthetic.reduce(function, combine), self.real.reduce(function, combine))


def _designs(prepared: Prepared, source: Source) -> list[Design]:
    return source.reduce(lambda frame, weights: [prepared.design(frame, weights)], lambda a, b: a + b)


@dataclass(frozen=True, eq=False, slots=True)
class _Scores:
    """Fitted probabilities with how many synthetic and real rows have each: rows as they are, or in bins."""

    p: Floats
    synthetic: Floats
    real: Floats

    def combine(self, other: _Scores) -> _Scores:
        return _Scores(
            np.concatenate([self.p, other.p]),
            np.concatenate([self.synthetic, other.synthetic]),
            np.concatenate([self.real, other.real]),
        )


def _map_scores(design: Design, beta: Floats) -> _Scores:
    kept = np.flatnonzero(np.isfinite(beta))
    p = logistic(design.matrix[:, kept] @ beta[kept])
    return _Scores(p, 1.0 - design.response, design.response.copy())


def _map_bins(design: Design, beta: Floats) -> Floats:
    """(3, BINS): sums of p, synthetic rows, real rows."""
    scores = _map_scores(design, beta)
    at = np.minimum((scores.p * BINS).astype(np.intp), BINS - 1)
    return np.stack([np.bincount(at, w, BINS) for w in (scores.p, scores.synthetic, scores.real)]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Discrimination:
    """Real against synthetic rows, by one logistic model for each of m sets.

    Attributes
    ----------
    fits
        One for each set: coefficients of the log odds that a row is real.
    drawn, cut
        For each set the confusion of classes drawn with the fitted probability, as in the paper, and cut at one half;
        `0`, synthetic, is the positive class.
    frame
        A row for each set: `auc`, `pmse`, `pmse_null` and `pmse_null_sd` (where the synthesis model is right),
        `pmse_ratio`, `pmse_z`, `specks` (the Kolmogorov-Smirnov distance of the scores) and
        `auc_error`: a bound for what putting scores into bins does to the area; 0 where rows are in memory.
    """

    fits: tuple[Fit, ...]
    drawn: tuple[Confusion, ...]
    cut: tuple[Confusion, ...]
    frame: pd.DataFrame

    def confusion_frame(self, which: str = "drawn") -> pd.DataFrame:
        """A row for each set with the statistics of the paper's Table 7."""
        rows = []
        for one in self.drawn if which == "drawn" else self.cut:
            by_class = one.by_class.iloc[0]
            rows.append(
                {
                    "accuracy": one.overall["accuracy"],
                    "balanced_accuracy": by_class["balanced_accuracy"],
                    "kappa": one.overall["kappa"],
                    "mcnemar_p": one.overall["mcnemar_p"],
                    "sensitivity": by_class["sensitivity"],
                    "specificity": by_class["specificity"],
                    "prevalence": by_class["prevalence"],
                }
            )
        return pd.DataFrame(rows)


def discriminate(
    real: Any,
    synthetic: Any,
    formula: str | None = None,
    *,
    rng: np.random.Generator | None = None,
    maxiter: int = 100,
) -> Discrimination:
    """Tell real from synthetic rows by a logistic model.

    Parameters
    ----------
    real
        A frame, or partitions of one.
    synthetic
        m of these.
    formula
        One-sided: `~ age + hgt`; all columns unless given. Rows with missing cells in it are left out and said.
    rng
        For the drawn classes: a stream of the run. Without one, a fixed stream.
    """
    sets = [synthetic] if isinstance(synthetic, pd.DataFrame) else list(synthetic)
    if not sets:
        raise DataError("no synthetic sets", need="at least one")
    stream = rng if rng is not None else np.random.default_rng(0)
    truth = partitioned(real)
    columns = truth.reduce(lambda frame, _: tuple(str(c) for c in frame.columns), lambda a, b: a)
    indicator = "is_real"
    while indicator in columns:
        indicator += "_"
    terms = (formula or "~ .").strip()
    if not terms.startswith("~"):
        raise SpecError("a formula with a response", need="a one-sided formula: ~ age + hgt")
    bound = parse(f"{indicator} {terms}", (indicator, *columns))
    known = _told(truth, indicator, 1.0)
    fits, drawn, cut, rows = [], [], [], []
    same: Prepared | None = None
    designs: list[Design] = []  # of the real rows: the same for all sets whose levels are
    for one in sets:
        pair = _Pair(_told(partitioned(one), indicator, 0.0), known)
        prepared = prepare(bound, pair)
        if pair.cached:
            if same is None or not prepared.codes_as(same):
                same, designs = prepared, _designs(prepared, pair.real)
            prepared.keep(_designs(prepared, pair.synthetic) + designs)
        result = fit_glm(prepared, "logit", maxiter=maxiter)
        scores, error = _scored(prepared, result.estimates)
        fits.append(result)
        drawn.append(_confused(scores, _draw(scores, stream)))
        cut.append(_confused(scores, (np.where(scores.p > 0.5, n, 0.0) for n in (scores.synthetic, scores.real))))
        rows.append(_measures(scores, int(np.isfinite(result.estimates).sum())) | {"auc_error": error(scores)})
    return Discrimination(tuple(fits), tuple(drawn), tuple(cut), pd.DataFrame(rows))


def _scored(prepared: Prepared, beta: Floats) -> tuple[_Scores, Callable[[_Scores], float]]:
    if prepared.source.cached:
        return prepared.reduce(partial(_map_scores, beta=beta), _Scores.combine), lambda s: 0.0
    sums = prepared.reduce(partial(_map_bins, beta=beta), np.add)
    sums = sums[:, sums[1] + sums[2] > 0]
    p = sums[0] / (sums[1] + sums[2])
    scores = _Scores(p, sums[1], sums[2])
    return scores, lambda s: float(s.synthetic @ s.real / (2 * s.synthetic.sum() * s.real.sum()))


def _draw(scores: _Scores, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """How many synthetic and real rows of each score are drawn to be real."""
    return (
        rng.binomial(scores.synthetic.astype(np.int64), scores.p).astype(np.float64),
        rng.binomial(scores.real.astype(np.int64), scores.p).astype(np.float64),
    )


def _confused(scores: _Scores, called_real: Any) -> Confusion:
    synthetic, real = (float(part.sum()) for part in called_real)
    n_synthetic, n_real = float(scores.synthetic.sum()), float(scores.real.sum())
    return Confusion((0, 1), np.array([[n_synthetic - synthetic, n_real - real], [synthetic, real]]))


def _measures(scores: _Scores, parameters: int) -> dict[str, float]:
    order = np.argsort(scores.p, kind="stable")
    p, s, r = scores.p[order], scores.synthetic[order], scores.real[order]
    n_s, n_r = s.sum(), r.sum()
    n = n_s + n_r
    share = n_r / n  # of the class whose probability is fitted
    pmse = float((s + r) @ (p - share) ** 2 / n)
    # Under the null (Snoke et al. 2018): chi-squared with K - 1 degrees of freedom, scaled.
    scale = (n_r / n) ** 2 * (n_s / n) / n
    df = parameters - 1
    last = np.append(p[1:] != p[:-1], True)
    below_s, below_r = np.cumsum(s)[last], np.cumsum(r)[last]
    each_s, each_r = np.diff(below_s, prepend=0.0), np.diff(below_r, prepend=0.0)
    auc = float(each_r @ (below_s - each_s / 2) / (n_s * n_r))
    null, deviation = df * scale, np.sqrt(2.0 * df) * scale
    return {
        "auc": auc,
        "pmse": pmse,
        "pmse_null": float(null),
        "pmse_null_sd": float(deviation),
        "pmse_ratio": float(pmse / null) if df else np.nan,
        "pmse_z": float((pmse - null) / deviation) if df else np.nan,
        "specks": float(np.abs(below_s / n_s - below_r / n_r).max()),
    }


# -------------------------------------------------------------------- by a tree


@dataclass(frozen=True, eq=False)
class TreeDiscrimination:
    """Real against synthetic rows, by one shallow tree for each of m sets.

    Attributes
    ----------
    frame
        A row for each set: `leaves`, `pmse`, `pmse_null` (its mean over permuted labels), `pmse_ratio`, `p_value`
        (share of permutations that reach it, itself counted in).
    """

    frame: pd.DataFrame


def discriminate_tree(
    real: Any,
    synthetic: Any,
    *,
    rng: np.random.Generator | None = None,
    permutations: int = 50,
    maxdepth: int = 4,
    minbucket: int | None = None,
) -> TreeDiscrimination:
    """Tell real from synthetic rows by a shallow classification tree.

    A tree fits noise too, so its pMSE is compared with that of trees grown on permuted labels.

    Parameters
    ----------
    real, synthetic
        A frame, and m of them.
    rng
        For the permutations: a stream of the run. Without one, a fixed stream.
    permutations
        How many.
    maxdepth, minbucket
        Of the trees; a leaf holds at least 1 % of the rows, and 5, unless given.
    """
    from replicant.table import encode_table
    from replicant.trees import encode_features, grow_tree

    sets = [synthetic] if isinstance(synthetic, pd.DataFrame) else list(synthetic)
    if not isinstance(real, pd.DataFrame) or not all(isinstance(one, pd.DataFrame) for one in sets):
        raise SpecError("partitions for a tree", need="frames in memory", fix="the logistic model takes partitions")
    stream = rng if rng is not None else np.random.default_rng(0)
    rows = []
    for one in sets:
        table = encode_table(pd.concat([one, real], ignore_index=True))
        # A nominal level of its own for what is missing; ordered codes keep -1.
        codes = [np.where(c.codes < 0, c.size, c.codes) if c.is_categorical else c.codes for c in table.columns]
        features = encode_features(
            [np.maximum(c, -1) for c in codes],
            nominal=[c.kind == "nominal" for c in table.columns],
            values=[None if c.is_categorical else c.values for c in table.columns],
        )
        n = table.n
        labels = np.repeat(np.array([0, 1], dtype=np.int32), [len(one), n - len(one)])
        least = max(5, n // 100) if minbucket is None else minbucket

        def pmse(
            y: np.ndarray[Any, Any], features: Any = features, n: int = n, least: int = least
        ) -> tuple[float, int]:
            tree = grow_tree(
                features,
                range(len(features)),
                y,
                n_classes=2,
                minbucket=least,
                cp=1e-8,
                maxdepth=maxdepth,
                class_risk="gini",
            )
            leaf = tree.training_leaves(n)
            size = np.bincount(leaf)
            share = np.bincount(leaf, y) / np.maximum(size, 1)
            return float(size @ (share - y.mean()) ** 2 / n), tree.n_leaves

        found, leaves = pmse(labels)
        null = np.array([pmse(stream.permutation(labels))[0] for _ in range(permutations)])
        mean = float(null.mean()) if permutations else np.nan
        rows.append(
            {
                "leaves": leaves,
                "pmse": found,
                "pmse_null": mean,
                "pmse_ratio": found / mean if mean > 0 else np.nan,
                "p_value": float((1 + np.count_nonzero(null >= found)) / (1 + permutations)),
            }
        )
    return TreeDiscrimination(pd.DataFrame(rows))
