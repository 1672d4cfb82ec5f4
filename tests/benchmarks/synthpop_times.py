"""Time of synthpop's `utility.tables` and `multi.disclosure`, and of ours: python tests/benchmarks/synthpop_times.py.

On SD2011: all two-way tables with all their measures, and identity and attribute disclosure of every other column by
four keys, of m = 5 sets of 5,000 rows and 35 columns, without baselines, which synthpop does not have. Where R has the
package synthpop the same calls are timed there, in turns with ours, and the ratio of the medians is printed. Elsewhere
only ours are.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time

import pandas as pd
from inputs import sd2011

import replicant as rp
from replicant.disclosure.measures import compare_rows, conclude
from replicant.evaluation import Rows, compare_schemas
from replicant.utility.tables import layout_of, table_measures

KEYS = ["sex", "age", "region", "placesize"]


def two_way_tables(real: Rows, sets: Sequence[Rows]) -> None:
    """All measures of all pairs of columns."""
    layout = layout_of(real.coding.sizes, (2,))
    counts = layout.count(real.groups)
    for one in sets:
        table_measures(counts, layout.count(one.groups), layout.starts)


def attribute_disclosure(real: Rows, sets: Sequence[Rows]) -> None:
    """Of every column that is no key."""
    conclude(compare_rows(real, sets, keys=KEYS))


OURS: dict[str, Callable[[Rows, Sequence[Rows]], None]] = {
    "utility.tables": two_way_tables,
    "multi.disclosure": attribute_disclosure,
}


def ours(frame: pd.DataFrame, sets: Sequence[pd.DataFrame], call: str) -> float:
    """Seconds of one call, from frames, as R's calls begin."""
    began = process_time()
    coding = compare_schemas(frame, list(sets)).coding
    OURS[call](coding.rows(frame), [coding.rows(one) for one in sets])
    return process_time() - began


def theirs(frame: pd.DataFrame, sets: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Seconds of one call each by synthpop; empty where R does not have it."""
    program = shutil.which("Rscript")
    if (
        program is None
        or subprocess.run([program, "-e", "library(synthpop)"], capture_output=True, check=False).returncode
    ):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.csv" for i in range(len(sets) + 1)]
        for one, path in zip([frame, *sets], paths, strict=True):
            one.to_csv(path, index=False)
        real, *others = map(str, paths)
        script = str(Path(__file__).with_suffix(".R"))
        said = subprocess.run(
            [program, script, real, ",".join(others), ",".join(KEYS), "1"], check=True, capture_output=True, text=True
        )
    return {line.split()[0]: float(line.split()[1]) for line in said.stdout.splitlines() if line.strip()}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    frame = sd2011()
    sets = list(rp.synthesize(frame, m=5, seed=1))
    times: dict[str, list[float]] = {call: [] for call in OURS}
    peers: dict[str, list[float]] = {call: [] for call in OURS}
    for _ in range(asked.repeats):
        for call in OURS:
            times[call].append(ours(frame, sets, call))
        for call, seconds in theirs(frame, sets).items():
            peers[call].append(seconds)
    for call, found in times.items():
        beside = f", synthpop {median(peers[call]):.1f} s" if peers[call] else ", synthpop is not here"
        ratio = f": {median(peers[call]) / median(found):.0f} times" if peers[call] else ""
        print(f"{call:18} ours {median(found):.2f} s of one core{beside}{ratio}")


if __name__ == "__main__":
    main()
