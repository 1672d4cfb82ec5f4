"""Twenty-four tables for `jobs/bulk.yaml`: a labour survey of twelve years in two regions, simulated.

    python jobs/bulk_tables.py [FOLDER]      # build/bulk-tables unless another one is named

Pay and education drift slowly, the south counts the unemployed in a new way from 2016 on, and since 2018 some people
work at home.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

YEARS = range(2010, 2022)
REGIONS = ("north", "south")
ROWS = 400
EDUCATION = ["basic", "secondary", "tertiary"]


def table(year: int, region: str) -> pd.DataFrame:
    """The survey of one year in one region; the same every time."""
    rng = np.random.default_rng([year, REGIONS.index(region)])
    since = year - YEARS[0]
    age = np.clip(rng.normal(42 + 0.15 * since, 12, ROWS), 16, 74).round().astype(int)
    tertiary = np.clip(0.25 + 0.008 * since + 0.004 * (45 - age), 0.02, 0.9)
    level = np.where(rng.random(ROWS) < tertiary, 2, rng.choice(2, ROWS, p=[0.35, 0.65]))
    jobless = 0.08 + 0.05 * (level == 0) + (0.07 if region == "south" and year >= 2016 else 0.0)
    status = np.where(rng.random(ROWS) < jobless, "unemployed", "employed")
    home = (year >= 2018) & (level == 2) & (rng.random(ROWS) < 0.3)
    status = np.where((status == "employed") & home, "employed at home", status)
    mean = 6.8 + 0.02 * since + 0.25 * level + 0.012 * (age - 42) - (0.1 if region == "south" else 0.0)
    pay = np.exp(rng.normal(mean, 0.35)).round(-1)
    pay[status == "unemployed"] = np.nan
    hours = np.clip(rng.normal(37, 6, ROWS), 4, 60).round()
    hours[status == "unemployed"] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "education": pd.Categorical.from_codes(level, EDUCATION, ordered=True),
            "status": status,
            "pay": pay,
            "hours": hours,
            "owns_home": rng.random(ROWS) < 0.4 + 0.006 * (age - 42),
        }
    )


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for year in YEARS:
        for region in REGIONS:
            table(year, region).to_parquet(folder / f"{region}-{year}.parquet", index=False)
    print(f"{len(YEARS) * len(REGIONS)} tables in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/bulk-tables"))
