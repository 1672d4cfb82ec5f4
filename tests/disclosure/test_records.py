"""The list of records at risk names rows, columns and reasons, and no cell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.disclosure.measures import compare_rows, matches
from replicant.disclosure.records import REASONS, numbers_at_risk, records_at_risk
from replicant.evaluation import compare_schemas

REAL = pd.DataFrame(
    {
        "age": [20.0, 20.0, 31.0, 44.0, 44.0, 44.0],
        "sex": ["m", "m", "f", "f", "f", "f"],
        "ill": ["no", "no", "yes", "yes", "no", "no"],
    }
)
FIRST = pd.DataFrame(
    {
        "age": [20.0, 31.0, 31.0, 44.0, 44.0, 80.0],
        "sex": ["m", "f", "f", "f", "f", "m"],
        "ill": ["no", "yes", "yes", "yes", "yes", "no"],
    }
)


def test_every_reason_is_listed_for_the_records_that_it_holds_of() -> None:
    second = FIRST.assign(age=FIRST["age"].replace(31.0, 90.0))
    coding = compare_schemas(REAL, [FIRST, second]).coding
    real, *sets = (coding.rows(one) for one in (REAL, FIRST, second))
    comparison = compare_rows(real, sets, keys=["age", "sex"])
    found = records_at_risk(real, comparison)
    listed = [tuple(row) for row in found.itertuples(index=False)]
    assert listed == [
        (3, "copied", "", 2, 1),
        (2, "copied", "", 1, 1),
        (3, "disclosed", "ill", 2, 3),  # against what the other two with its keys say
        (2, "disclosed", "ill", 1, 1),
        (2, "unique_found", "age x sex", 1, 1),
    ]
    assert numbers_at_risk(found) == {"copied": 2, "matched": 0, "disclosed": 2, "unique_found": 1, "any": 2}
    parts = [records_at_risk(real.take(np.arange(i, i + 3)), comparison, start=i) for i in (0, 3)]
    assert sorted(map(tuple, pd.concat(parts).to_numpy().tolist())) == sorted(listed)


def test_matched_records_and_the_order_of_reasons() -> None:
    coding = compare_schemas(REAL, [REAL]).coding
    real = coding.rows(REAL)
    comparison = compare_rows(real, [real], keys=["age", "sex"])
    found = records_at_risk(real, comparison, matches=matches(real, [real], comparison.questions))
    assert found.loc[found["reason"] == "matched", ["row", "column"]].to_numpy().tolist() == [[2, "age x sex"]]
    positions = [list(REASONS).index(reason) for reason in found["reason"]]
    assert positions == sorted(positions)


def test_no_risk_is_an_empty_list() -> None:
    coding = compare_schemas(REAL, [REAL]).coding
    real = coding.rows(REAL)
    other = coding.rows(REAL.assign(age=REAL["age"] + 100))
    found = records_at_risk(real, compare_rows(real, [other]))
    assert list(found.columns) == ["row", "reason", "column", "sets", "class_size"]
    assert numbers_at_risk(found) == dict.fromkeys([*REASONS, "any"], 0)
