"""Numbers and dates in order, and the rules that are proposed for them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.spec.rule import parse_kept_rule
from replicant.spec.rule_cells import TableCells
from replicant.table import encode_table
from replicant.table.suspicions import suspicions
from replicant.table.suspicions.orders import Order, orders


def lives(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    birth = pd.Timestamp("1850-01-01") + pd.to_timedelta(rng.integers(0, 60_000, n), unit="D")
    marriage = birth + pd.to_timedelta(rng.integers(6000, 12_000, n), unit="D")
    net = rng.lognormal(7, 1, n).round(1)
    return pd.DataFrame(
        {
            "birth": birth,
            "marriage": marriage,
            "death day": marriage + pd.to_timedelta(rng.integers(0, 12_000, n), unit="D"),
            "net": net,
            "gross": (net * rng.uniform(1.1, 1.5, n)).round(1),
            "height": rng.normal(170, 8, n).round(),
        }
    )


def test_orders_are_found_and_what_follows_from_two_is_left_out() -> None:
    found = orders(encode_table(lives()))
    assert set(found) == {
        Order("birth", "marriage", True),
        Order("marriage", "death day", True),
        Order("net", "gross", True),
    }
    frame = lives()
    frame.loc[frame.index[:1], "gross"] = 1.0
    assert Order("net", "gross", False) in orders(encode_table(frame))
    frame.loc[frame.index[:10], "gross"] = 1.0
    assert not any(one.small == "net" for one in orders(encode_table(frame)))


def test_no_order_is_found_where_it_would_be_there_by_chance() -> None:
    rng = np.random.default_rng(2)
    apart = pd.DataFrame(
        {"small": rng.uniform(0, 1, 300), "large": rng.uniform(5, 6, 300), "x": rng.uniform(0, 6, 300)}
    )
    assert orders(encode_table(apart)) == []


def test_rules_are_proposed_that_every_row_keeps() -> None:
    frame = lives()
    rng = np.random.default_rng(3)
    frame["status"] = rng.choice(["employed", "retired", "student"], len(frame))
    frame.loc[frame.status != "employed", "net"] = np.nan
    frame["town"] = rng.choice(list("abcdefgh"), len(frame))
    frame["region"] = np.where(frame.town < "d", "north", "south")
    table = encode_table(frame)
    rules = [rule for one in suspicions(table) for rule in one.settings.get("synthesis.rules", ())]
    assert {"birth <= marriage", "marriage <= `death day`", "net <= gross", "region within town"} <= set(rules)
    assert any("net is missing" in rule for rule in rules)
    assert any("net is not missing" in rule for rule in rules)
    for rule in rules:
        assert not np.any(parse_kept_rule(rule).decided(TableCells(table))[1]), rule
