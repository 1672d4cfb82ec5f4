"""Rarer levels of long columns are one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.evaluation.schema import compare_schemas
from replicant.utility.lumping import lumped


def test_rare_levels_of_a_long_column_are_one() -> None:
    rng = np.random.default_rng(5)
    frames = [pd.DataFrame({"town": rng.zipf(1.3, 500).clip(max=200).astype(str)}) for _ in range(2)]
    coding = compare_schemas(frames[0], frames[1:]).coding
    real, made = lumped([coding.rows(one) for one in frames], 10)
    assert real.coding.sizes == made.coding.sizes == (11,)
    common = frames[0]["town"].value_counts().index[:9]
    assert set(real.coding.columns[0].levels) == {*common, "others"}
    assert np.bincount(real.groups[:, 0], minlength=11)[9] == (~frames[0]["town"].isin(common)).sum()
