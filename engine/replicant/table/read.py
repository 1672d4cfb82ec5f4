"""Readers."""

from __future__ import annotations
from typing import Any
import pandas as pd


def read_data(data: Any, *, columns: list[str] | None = None) -> pd.DataFrame:
    return data


def read_dataset(name: str) -> pd.DataFrame:
    raise NotImplementedError
