"""Rarer levels of long columns are one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.evaluation.schema import compare_schemas
from replicant.utility.lumping import Lumping, lumped


def test_rare_levels_of_a_long_column_are_one() -> None:
    rng = np.random.default_rng(5)
    frames = [pd.DataFrame({"town": rng.zipf(1.3, 500).clip(max=200).astype(str)}) for _ in range(2)]
    coding = compare_schemas(frames[0], frames[1:]).coding
    real, made = lumped(coding.rows(frames[0]), [coding.rows(frames[1])], 10)
    assert real.coding.sizes == made.coding.sizes == (11,)
    common = pd.concat(frames)["town"].value_counts().index[:9]
    assert set(real.coding.columns[0].levels) == {*common, "others"}
    assert np.bincount(real.groups[:, 0], minlength=11)[9] == (~frames[0]["town"].isin(common)).sum()


def test_what_is_left_does_not_favour_the_real_rows() -> None:
    """Levels that are frequent in one of two samples by chance would be rarer in the other."""
    rng = np.random.default_rng(6)
    apart = []
    for _ in range(60):
        frames = [pd.DataFrame({"town": rng.integers(0, 300, 400).astype(str)}) for _ in range(3)]
        coding = compare_schemas(frames[0], frames[1:]).coding
        rows = [coding.rows(one) for one in frames]
        lumping = Lumping.of(rows[0], rows[1:2], rows[2])
        others = [float((lumping(one).groups[:, 0] == lumping.coding.sizes[0] - 2).mean()) for one in rows]
        apart.append(others[0] - others[1])
    assert abs(np.mean(apart)) < 4 * np.std(apart) / np.sqrt(len(apart))
