"""The parameters that both calls share are described once, and taken by both with the same defaults."""

from __future__ import annotations

import inspect

from replicant.disclosure.call import disclosure
from replicant.evaluation.parameters import COMMON
from replicant.utility.call import utility


def test_both_calls_describe_and_take_them() -> None:
    names = [line.strip() for line in COMMON.splitlines() if not line.startswith(" " * 8)]
    first, second = (inspect.signature(one).parameters for one in (utility, disclosure))
    assert [first[name] for name in names] == [second[name] for name in names]
    for one in (utility, disclosure):
        assert COMMON in (one.__doc__ or "")
