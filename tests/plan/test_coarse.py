"""Whether rows are told apart by few columns: against fresh samples, and as a plan says it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.plan.coarse import is_coarse
from replicant.table import encode_table


def sample(rng: np.random.Generator, n: int, levels: int, columns: int) -> pd.DataFrame:
    """Independent columns of levels that are as likely as each other, with missing cells in the first."""
    frame = pd.DataFrame({f"x{j}": rng.integers(0, levels, n).astype(str) for j in range(columns)})
    return frame.assign(x0=frame["x0"].where(frame["x0"] != "0"))


@pytest.mark.parametrize(
    ("n", "levels", "columns"), [(300, 2, 4), (300, 4, 8), (300, 4, 10), (300, 8, 20), (2000, 4, 10)]
)
def test_it_is_where_fresh_rows_equal_some_by_chance(n: int, levels: int, columns: int) -> None:
    rng = np.random.default_rng(3)
    rows = sample(rng, n, levels, columns)
    # No pair of rows is expected, or some are: how many of n**2.
    pairs = np.mean([len(rows.merge(sample(rng, n, levels, columns))) for _ in range(20)])
    assert is_coarse(encode_table(rows)) == (pairs > 1)


def test_what_follows_from_other_columns_and_identifiers_do_not_count_and_distinct_values_do() -> None:
    rng = np.random.default_rng(4)
    rows = sample(rng, 400, 3, 5)
    plain = encode_table(rows)
    assert is_coarse(plain)
    doubled = pd.concat([rows, rows.add_suffix("_again"), rows.add_suffix("_too")], axis=1)
    assert not is_coarse(encode_table(doubled))
    assert is_coarse(encode_table(doubled), [name for name in doubled if name not in rows])
    assert "few columns tell rows apart" in " ".join(str(rp.synthesize(doubled, m=1, seed=1).plan).split())
    measured = rows.assign(measured=rng.normal(size=400))
    assert not is_coarse(encode_table(measured))
    assert "few columns" not in str(rp.synthesize(measured, m=1, seed=1).plan)
    assert is_coarse(encode_table(rows.assign(key=[f"person-{at}" for at in rng.permutation(400)])))
