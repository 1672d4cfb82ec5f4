"""`replicant schema` prints what the models say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from replicant.spec.schema import job_schema


def test_it_is_printed(replicant: Callable[..., Any]) -> None:
    outcome = replicant("schema")
    assert json.loads(outcome.out) == job_schema()
    assert outcome.err == ""
