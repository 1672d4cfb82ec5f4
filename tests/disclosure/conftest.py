"""The tables of R's figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture(scope="session")
def frames(shared_reference: Path) -> Callable[[str], list[pd.DataFrame]]:
    """The real table and its five sets by synthpop."""

    def read(name: str) -> list[pd.DataFrame]:
        folder = shared_reference / "r"
        return [pd.read_csv(folder / f"{name}.csv")] + [
            pd.read_csv(folder / f"synthpop_{name}_{i}.csv") for i in range(1, 6)
        ]

    return read
