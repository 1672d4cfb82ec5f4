"""A table of every kind of column, and the arms of a replicate of a study on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.spec.load import validate_synthesis
from replicant.spec.study import EstimandSpec, StudySpec
from replicant.studies import PreparedStudy, Study, design, prepare_study
from replicant.studies.arm import Arm, sample_arm, synthetic_arm
from replicant.studies.bind import bind
from replicant.studies.estimand import Estimand
from replicant.table import Table, encode_table

PASSIVE = {"twice": "x * 2 + y"}

Prepare = Callable[..., PreparedStudy]


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """120 rows: numbers, whole numbers with missing cells, levels, a computed column, a constant one."""
    rng = np.random.default_rng(3)
    n = 120
    x = rng.normal(50, 9, n).round(1)
    y = (x / 2 + rng.normal(0, 3, n)).round(1)
    count = rng.poisson(2, n).astype(float)
    count[rng.random(n) < 0.15] = np.nan
    word = pd.Series(rng.choice(["north", "south", "west"], n, p=[0.5, 0.3, 0.2])).mask(rng.random(n) < 0.05)
    stage = np.digitize(y + rng.normal(0, 2, n), [21, 25, 29])
    return pd.DataFrame(
        {
            "x": x,
            "y": y,
            "count": count,
            "word": word,
            "stage": pd.Categorical(np.array(["I", "II", "III", "IV"])[stage], ["I", "II", "III", "IV"], ordered=True),
            "twice": x * 2 + y,
            "same": 5.0,
        }
    )


@pytest.fixture(scope="session")
def table(frame: pd.DataFrame) -> Table:
    """The same, encoded."""
    return encode_table(frame)


@pytest.fixture(scope="session")
def study_of(table: Table) -> Callable[..., Study]:
    """Plans a study of the table: keys of `study`, and under `synthesis` those of the synthesis."""

    def make(*, synthesis: dict[str, Any] | None = None, of: Table | None = None, **study: Any) -> Study:
        settings = {"m": 2, "seed": 7, **({"passive": PASSIVE} if of is None else {}), **(synthesis or {})}
        spec = StudySpec.model_validate({"replicates": 2, **study})
        return design(spec, validate_synthesis(**settings), table if of is None else of)

    return make


@pytest.fixture(scope="session")
def prepared_of(table: Table, study_of: Callable[..., Study]) -> Prepare:
    """The same, with its table, ready to be measured."""

    def make(*, of: Table | None = None, **asked: Any) -> PreparedStudy:
        return prepare_study(study_of(of=of, **asked), table if of is None else of)

    return make


@pytest.fixture(scope="session")
def arms_of(prepared_of: Prepare) -> Callable[..., dict[str, Arm]]:
    """The arms of one replicate: that of the sample, and that of the synthesis as `made`."""

    def make(
        *, replicate: int = 0, of: Table | None = None, sampling: str = "bootstrap", **settings: Any
    ) -> dict[str, Arm]:
        study = {"variants": {"made": {}}, "estimands": [{"copies": True}], "sampling": sampling}
        prepared = prepared_of(of=of, synthesis=settings, **study)
        study, (variant,) = prepared.study, prepared.study.variants
        weights = study.samples.weights(replicate)
        sample = sample_arm(prepared.table, prepared.codes, weights, replicate, study.seed)
        made = synthetic_arm("made", sample, weights, prepared.partitions["made"], variant.plan, variant.manifest)
        original = sample_arm(prepared.table, prepared.codes, np.ones(prepared.table.n, dtype=np.int32), 0, study.seed)
        return {"original": original, "sample": sample, "made": made}

    return make


@pytest.fixture(scope="session")
def estimand_of() -> Callable[..., Estimand]:
    """One estimand, bound to the original data of some arms."""

    def make(arms: dict[str, Arm], level: float = 0.95, **asked: Any) -> Estimand:
        manifest = arms["made"].manifest
        assert manifest is not None
        drawn = tuple(c["name"] for c in manifest["columns"] if c["name"] not in {"twice", "same"})
        spec = EstimandSpec.model_validate(asked)
        (bound,) = bind([spec], arms["original"], {"made": manifest}, drawn, level)
        return bound

    return make
