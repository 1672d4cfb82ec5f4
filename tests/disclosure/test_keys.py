"""Keys and targets are proposed with their reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.keys import MOST_KEYS, propose_keys
from replicant.evaluation import compare_schemas


def proposals(frame: pd.DataFrame, **more: list[str]) -> dict[str, tuple[str, str]]:
    rows = compare_schemas(frame, [frame]).coding.rows(frame)
    return {one.column: (one.role, one.reason) for one in propose_keys(rows, **more)}


def people(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "personId": [f"p{i}" for i in range(n)],
            "birth_year": rng.integers(1930, 2000, n),
            "SEX": rng.choice(["m", "f"], n),
            "homeRegion": rng.choice(list("abcdefgh"), n),
            "income": rng.lognormal(size=n),
            "votes": rng.choice(["x", "y"], n),
            "q17": rng.choice(["1", "2", "3"], n),
            "lab_value": rng.normal(size=n),
            "wave": ["2020"] * n,
        }
    )


def test_names_and_contents_decide() -> None:
    found = proposals(people())
    assert {name: role for name, (role, _) in found.items()} == {
        "birth_year": "key",
        "homeRegion": "key",
        "SEX": "key",
        "income": "target",
        "votes": "target",
        "lab_value": "target",
        "personId": "identifier",
        "q17": "neither",
        "wave": "neither",
    }
    assert next(iter(found)) == "birth_year"  # it tells most records apart
    assert "'region'" in found["homeRegion"][1]
    assert "'vote'" in found["votes"][1] or "'votes'" in found["votes"][1]
    assert "same" in found["wave"][1]


def test_shares_of_unique_records_rise_from_key_to_key() -> None:
    frame = people()
    rows = compare_schemas(frame, [frame]).coding.rows(frame)
    shares = [one.unique for one in propose_keys(rows) if one.role == "key"]
    together = frame.groupby(["birth_year", "SEX", "homeRegion"])["SEX"].transform("size").eq(1).mean()
    assert shares == sorted(shares)  # type: ignore[type-var]
    assert shares[-1] == pytest.approx(together)


def test_without_telling_names_columns_of_levels_are_keys() -> None:
    frame = people()[["q17", "lab_value"]].assign(v2=list("abcdefghij") * 30, v3="x")
    found = proposals(frame)
    assert [name for name, (role, _) in found.items() if role == "key"] == ["v2", "q17"]
    assert "no column has a name" in found["v2"][1]


def test_there_are_not_too_many_keys_and_identifiers_are_named() -> None:
    rng = np.random.default_rng(1)
    names = ["age", "sex", "region", "county", "race", "education", "occupation", "language"]
    frame = pd.DataFrame({name: rng.choice(list("abcd"), 200) for name in names})
    found = proposals(frame, identifiers=["language"])
    assert sum(role == "key" for role, _ in found.values()) == MOST_KEYS
    assert found["language"][0] == "identifier"
    assert sum("tell records apart better" in reason for _, reason in found.values()) == 1


def test_reasons_hold_no_cell() -> None:
    frame = people()
    text = " ".join(reason for _, reason in proposals(frame).values())
    assert not any(value in text for value in ("p17", "2020", str(frame["income"].iloc[0])))
