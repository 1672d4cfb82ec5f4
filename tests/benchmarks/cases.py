"""What is measured: each case gives one figure against one goal, in a process of its own, compiled code warm."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import inputs
import numpy as np
import pandas as pd
import peers

__all__ = ["CASES", "Case", "Measured", "child_environment"]

BOYS: dict[str, Any] = {
    "m": 5,
    "seed": 1,
    "minbucket": 3,
    "cp": 1e-8,
    "passive": {"bmi": "wgt / (hgt / 100)**2"},
    "predictors": {
        "hgt": ["age", "wgt", "hc", "gen", "phb", "tv", "reg"],
        "wgt": ["age", "hgt", "hc", "gen", "phb", "tv", "reg"],
    },
}
BENCH: dict[str, Any] = {"m": 1, "seed": 1, "minbucket": 5, "cp": 1e-8}


@dataclass(frozen=True)
class Measured:
    """The figure of a case.

    Attributes
    ----------
    value
        What is compared with the goal, in the case's unit.
    seconds
        Median seconds of ours.
    peer, peer_seconds
        The program beside it.
    spread
        Fastest and slowest of our repetitions.
    detail
        Whatever else is worth printing.
    """

    value: float
    seconds: float
    peer: str = ""
    peer_seconds: float | None = None
    spread: tuple[float, float] | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One line of the table: `run(quick)` measures; the goal is `at least` or `at most` so many units."""

    name: str
    says: str
    run: Callable[[bool], Measured]
    goal: float | None
    unit: str
    at_least: bool = False
    cores: int = 1

    def met(self, measured: Measured) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return measured.value >= self.goal if self.at_least else measured.value <= self.goal


def child_environment(cores: int) -> dict[str, str]:
    """Environment that keeps every library to so many threads."""
    names = ["OMP", "OPENBLAS", "MKL", "NUMBA", "ARROW"]
    own = {f"{name}_NUM_THREADS": str(cores) for name in names} | {"POLARS_MAX_THREADS": str(cores)}
    return {**os.environ, **own}


def _repeat(call: Callable[[], object], repeats: int, warm: bool = True) -> list[float]:
    if warm:
        call()
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _timed(seconds: list[float], **detail: Any) -> Measured:
    middle = median(seconds)
    return Measured(middle, middle, spread=(min(seconds), max(seconds)), detail=detail)


def _beside(ours: Measured, peer: peers.Peer | None) -> Measured:
    """How many times as fast as the peer."""
    if peer is None:
        raise inputs.Absent("needs R with mice, or ../shared/reference")
    ratio = peer.seconds / ours.seconds
    return Measured(ratio, ours.seconds, peer.name, peer.seconds, ours.spread, ours.detail)


def _frames(data: pd.DataFrame | Path, spec: Mapping[str, Any], threads: int = 1) -> list[pd.DataFrame]:
    import replicant as rp

    return list(rp.synthesize(data, **spec, threads=threads))


def _mice_boys(quick: bool) -> peers.Peer | None:
    with peers.mice(inputs.boys(), m=5, minbucket=3, cp=1e-8, bmi=True) as one:
        return peers.repeated(one, 1 if quick else 5) or peers.stored("mice", "boys", 5, "paper")


def _mice_bench(n: int, quick: bool) -> peers.Peer | None:
    """mice at its own defaults (minbucket 5, cp 1e-4), m = 1."""
    with peers.mice(inputs.bench(n), m=1, minbucket=5, cp=1e-4) as one:
        return peers.repeated(one, 1 if quick else 3) or peers.stored("mice", f"bench{n}", 1)


# ---------------------------------------------------------------- boys


def _boys_inner(conditioning: str) -> Callable[[bool], Measured]:
    """A bootstrap replicate as a study runs it: row weights, all fits, m draws, everything in codes."""

    def run(quick: bool) -> Measured:
        from replicant import build_plan, encode_table, fcs
        from replicant.spec.load import validate_synthesis

        table = encode_table(inputs.boys())
        plan = build_plan(validate_synthesis(**BOYS, conditioning=conditioning), table)
        prepared = fcs.prepare(table, plan)
        replicates = iter(range(1, 100_000))

        def replicate() -> None:
            r = next(replicates)
            rows = np.random.default_rng(r).integers(0, table.n, table.n)
            weights = np.bincount(rows, minlength=table.n).astype(np.int32)
            models = None
            for i in range(plan.m):
                if models is None or not plan.shares_fits:
                    models = fcs.fit_columns(prepared, plan, plan.fitted, i, replicate=r, weights=weights)
                fcs.draw_imputation(prepared, plan, models, i, replicate=r, weights=weights)

        return _beside(_timed(_repeat(replicate, 20 if quick else 200)), _mice_boys(quick))

    return run


def _boys_frames(conditioning: str) -> Callable[[bool], Measured]:
    def run(quick: bool) -> Measured:
        frame = inputs.boys()
        spec = {**BOYS, "conditioning": conditioning}
        return _beside(_timed(_repeat(lambda: _frames(frame, spec), 10 if quick else 50)), _mice_boys(quick))

    return run


# ---------------------------------------------------------------- larger tables


def _bench_10k(quick: bool) -> Measured:
    frame = inputs.bench(10_000)
    return _beside(_timed(_repeat(lambda: _frames(frame, BENCH), 3 if quick else 11)), _mice_bench(10_000, quick))


def _bench_100k(quick: bool) -> Measured:
    frame = inputs.bench(100_000)
    ours = _timed(_repeat(lambda: _frames(frame, BENCH), 1 if quick else 5))
    times = {}
    for peer in (peers.stored("synthpop", "bench100000", 1), peers.stored("mice", "bench100000", 1)):
        if peer is not None:
            times[f"times {peer.name}"] = round(peer.seconds / ours.seconds)
    return Measured(ours.value, ours.seconds, spread=ours.spread, detail=times)


def _bench_1m(quick: bool) -> Measured:
    """From the Parquet file to m = 5 sets in memory, decoded one after the other; the peak of memory goes with it."""
    import replicant as rp

    path = inputs.bench_path(1_000_000)
    columns = inputs.codebook(1_000_000)
    _frames(inputs.bench(10_000), BENCH)  # compiled
    floor = _peak_gigabytes()

    def call() -> None:
        synthesis = rp.synthesize(path, **{**BENCH, "m": 1 if quick else 5}, columns=columns, threads=1)
        for i in range(synthesis.m):
            _ = synthesis[i].shape

    seconds = _repeat(call, 1, warm=False)
    return _timed(seconds, m=1 if quick else 5, peak_gb=round(_peak_gigabytes(), 2), floor_gb=round(floor, 2))


def _memory_1m(quick: bool) -> Measured:
    measured = _bench_1m(quick)
    return Measured(measured.detail["peak_gb"], measured.seconds, detail=measured.detail)


def _peak_gigabytes() -> float:
    """Peak resident memory of this process alone (`ru_maxrss` would also count the parent before `exec`)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return int(line.split()[1]) / 1024**2
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**3  # bytes, where there is no /proc (macOS)


def _many_levels(quick: bool) -> Measured:
    """The slower of both conditionings: under `observed` the column predicts and is predicted."""
    from make_table import make_levels_table

    frame = make_levels_table()
    seconds = {}
    for conditioning in ("synthetic", "observed"):
        spec = {**BENCH, "conditioning": conditioning}
        _frames(frame.iloc[:2000].assign(unit=frame["unit"].iloc[:2000].cat.remove_unused_categories()), spec)
        seconds[conditioning] = median(_repeat(lambda spec=spec: _frames(frame, spec), 1 if quick else 3, warm=False))  # type: ignore[misc]
    slower = max(seconds.values())
    return Measured(slower, slower, detail={name: round(value, 2) for name, value in seconds.items()})


def _sd2011_columns(frame: pd.DataFrame) -> dict[str, Any]:
    numbers = [column for column in frame.columns if pd.api.types.is_numeric_dtype(frame[column])]
    return {column: {"missing_codes": [-8]} for column in numbers if (frame[column] == -8).any()}


def _sd2011(quick: bool) -> Measured:
    frame = inputs.sd2011()
    spec = {**BENCH, "columns": _sd2011_columns(frame), "passive": {"bmi": "weight / (height / 100)**2"}}
    ours = _timed(_repeat(lambda: _frames(frame, spec), 1 if quick else 5))
    peer = peers.stored("synthpop", "SD2011", 1, "sorted")
    name, seconds = (peer.name, peer.seconds) if peer else ("", None)
    return Measured(ours.value, ours.seconds, name, seconds, ours.spread)


# ---------------------------------------------------------------- imputation


def _imputed(
    frame: Callable[[], pd.DataFrame], pairs: int, *, maxit: int, method: str | None = None
) -> Callable[[bool], Measured]:
    """Ours and mice's imputation in turns: how many times as fast, the median of all pairs."""

    def run(quick: bool) -> Measured:
        import replicant as rp

        table = frame()
        spec: dict[str, Any] = {"m": 10, "maxit": maxit} | ({"method": method} if method else {})
        seconds, theirs = [], []
        with peers.mice(table, **spec) as one:
            if one is None:
                raise inputs.Absent("needs R with mice")
            for pair in range(1 if quick else pairs):
                theirs.append(one())
                own = _repeat(lambda: rp.impute(table, **spec, seed=pair, threads=1), 5)  # noqa: B023
                seconds.append(median(own))  # mice's single call is long enough to even out what else runs
        ratios = [peer.seconds / own for peer, own in zip(theirs, seconds, strict=True)]
        peer = peers.Peer(theirs[0].name, median(one.seconds for one in theirs))
        quartiles = [round(float(q), 1) for q in np.quantile(ratios, [0.25, 0.75])]
        spread, detail = (min(seconds), max(seconds)), {"pairs": len(ratios), "quartiles": quartiles}
        return Measured(median(ratios), median(seconds), peer.name, peer.seconds, spread, detail)

    return run


def _sd2011_imputed(quick: bool) -> Measured:
    import replicant as rp

    frame = inputs.sd2011()
    spec: dict[str, Any] = {"m": 5, "maxit": 5, "seed": 1, "columns": _sd2011_columns(frame), "threads": 2}
    rp.impute(frame.iloc[:500], **{**spec, "m": 1, "maxit": 1})
    return _timed(_repeat(lambda: rp.impute(frame, **spec), 1, warm=False))


# ---------------------------------------------------------------- the engine against itself


def _shared_fits(conditioning: str) -> Callable[[bool], Measured]:
    """What one more imputation costs where one fit serves all, as a share of the fits."""

    def run(quick: bool) -> Measured:
        from replicant import build_plan, encode_table, fcs
        from replicant.spec.load import validate_synthesis

        table = encode_table(inputs.bench(10_000 if quick else 100_000))
        settings = {**BENCH, "m": 2, "fits": "shared", "conditioning": conditioning}
        plan = build_plan(validate_synthesis(**settings), table)
        prepared = fcs.prepare(table, plan)
        models = fcs.fit_columns(prepared, plan, plan.fitted, 0)
        fcs.draw_imputation(prepared, plan, models, 0)
        fits = median(_repeat(lambda: fcs.fit_columns(prepared, plan, plan.fitted, 0), 3 if quick else 5))
        draws = _repeat(lambda: fcs.draw_imputation(prepared, plan, models, 1), 3 if quick else 11)
        return Measured(100 * median(draws) / fits, median(draws), detail={"fits_s": round(fits, 3), "n": table.n})

    return run


def _bare_fits(frame: pd.DataFrame, spec: Mapping[str, Any]) -> Callable[[], object]:
    """The very trees of the first imputation, grown by the kernel alone on arrays that are ready."""
    from replicant import build_plan, encode_table
    from replicant.spec.load import validate_synthesis
    from replicant.trees import encode_features, grow_tree

    table = encode_table(frame)
    plan = build_plan(validate_synthesis(**spec), table)
    nominal = [column.kind.value in {"nominal", "binary"} for column in table.columns]
    codes = [column.codes for column in table.columns]
    values = [None if column.is_categorical else column.values for column in table.columns]
    responses = [c.codes if c.is_categorical else c.numbers() for c in table.columns]
    subsets = [[plan.positions[p] for p in plan.predictors_of(name, 0)] for name in table.names]

    minbucket = plan.cart.minbucket
    if minbucket == "auto":
        raise TypeError("trees whose leaves are as large as data say are no bare trees")

    def call() -> None:
        features = encode_features(codes, nominal=nominal, values=values)
        for column, response, subset in zip(table.columns, responses, subsets, strict=True):
            if subset:
                classes = column.size if column.is_categorical else 0
                grow_tree(features, subset, response, n_classes=classes, minbucket=minbucket, cp=plan.cart.cp)

    return call


def _overhead(quick: bool) -> Measured:
    """From frame to frame, beside the same trees grown bare: encoding, planning, drawing and decoding are the rest."""
    frame = inputs.bench(10_000 if quick else 100_000)
    bare = median(_repeat(_bare_fits(frame, BENCH), 3 if quick else 7))
    whole = _repeat(lambda: _frames(frame, BENCH), 3 if quick else 7)
    return Measured(median(whole) / bare, median(whole), "bare trees", bare, (min(whole), max(whole)))


def _threads(quick: bool) -> Measured:
    """Four imputations by one thread and by two, in turn."""
    if len(os.sched_getaffinity(0)) < 2:
        raise inputs.Absent("needs two cores")
    frame = inputs.bench(10_000 if quick else 100_000)
    spec = {**BENCH, "m": 4}
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(2 if quick else 4):
        for threads, times in seconds.items():
            times.extend(_repeat(lambda threads=threads: _frames(frame, spec, threads), 1, warm=not times))  # type: ignore[misc]
    one, two = median(seconds[1]), median(seconds[2])
    return Measured(one / two, two, "one thread", one)


def _import(quick: bool) -> Measured:
    """The package and everything `rp.synthesize` needs, in a fresh process (less the interpreter's own start)."""

    def fresh(script: str) -> float:
        seconds = _repeat(lambda: subprocess.run([sys.executable, "-c", script], check=True), 3 if quick else 7)
        return median(seconds)

    bare = fresh("pass")
    package = fresh("import replicant") - bare
    whole = fresh("import replicant; replicant.synthesize") - bare
    return Measured(whole, whole, detail={"package_only_s": round(package, 3)})


_BASE = "import pandas, pyarrow.csv"
_INSPECT = "import sys; from replicant.cli.main import main; main(['inspect', sys.argv[1]])"
_SYNTHESIZE = "import sys; import pandas as pd; import replicant as rp; rp.synthesize(pd.read_csv(sys.argv[1]), seed=1)"


def _started(script: str) -> Callable[[bool], Measured]:
    """A process that does one thing to a small CSV, against one that imports what reads it: processor time, in turns.

    Bytecode is kept, as it is where a package is installed.
    """

    def run(quick: bool) -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder, "data.csv")
            inputs.bench(1000).to_csv(data, index=False)
            environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
            environment.pop("PYTHONDONTWRITEBYTECODE", None)

            def seconds(code: str) -> float:
                before = os.times()
                command = [sys.executable, "-c", code, str(data)]
                subprocess.run(command, check=True, env=environment, capture_output=True)
                after = os.times()
                return after.children_user + after.children_system - before.children_user - before.children_system

            turns = [(seconds(_BASE), seconds(script)) for _ in range(4 if quick else 12)][1:]
        base, ours = (median(column) for column in zip(*turns, strict=True))
        spread = [turn[1] for turn in turns]
        return Measured(ours / base, ours, "import pandas, pyarrow.csv", base, (min(spread), max(spread)))

    return run


def _cold(quick: bool) -> Measured:
    """The first synthesis ever on a machine, less a second one: what compiling costs. The cache is left as it was."""
    script = (
        "import numpy as np, pandas as pd, replicant as rp; r = np.random.default_rng(1);"
        "f = pd.DataFrame({'x': r.normal(size=99), 'y': r.normal(size=99), 'c': r.choice(list('abc'), 99)});"
        "[list(rp.synthesize(f, m=1, seed=1, conditioning=c, threads=1)) for c in ('synthetic', 'observed')]"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}

        def call() -> object:
            return subprocess.run([sys.executable, "-c", script], check=True, env=environment, capture_output=True)

        cold, warm = _repeat(call, 1, warm=False)[0], median(_repeat(call, 1 if quick else 3, warm=False))
    return Measured(cold - warm, cold, detail={"from_cache_s": round(warm, 2)})


# ---------------------------------------------------------------- estimates


def _analyses(quick: bool) -> Measured:
    """The paper's three models on five sets of 748 rows: what R needs 290 ms for."""
    from replicant.estimate import discriminate, fit

    real = inputs.boys()
    sets = _frames(real, BOYS)

    def call() -> None:
        for one in sets:
            fit("ols", "hgt ~ age + phb", one)
            fit("polr", "gen ~ age + hc + reg", one)
        discriminate(real, sets)

    milliseconds = [1e3 * s for s in _repeat(call, 5 if quick else 50)]
    middle = median(milliseconds)
    return Measured(middle, middle / 1e3, spread=(min(milliseconds) / 1e3, max(milliseconds) / 1e3))


# ---------------------------------------------------------------- trees


def _trees(n: int | None) -> Callable[[bool], Measured]:
    """One regression tree per numeric column, from all other columns as codes: the same problem for both."""

    def run(quick: bool) -> Measured:
        from replicant import encode_table
        from replicant.trees import encode_features, grow_tree

        minbucket = 3 if n is None else 5
        frame = inputs.boys() if n is None else inputs.bench(n)
        table = encode_table(frame)
        features = encode_features([c.codes for c in table.columns], nominal=[False] * len(table), values=None)
        predictors = np.column_stack([c.codes for c in table.columns]).astype(np.float32)
        repeats = 3 if quick else 7
        ours, theirs, leaves = 0.0, 0.0, []
        for j, column in enumerate(table.columns):
            if column.is_categorical:
                continue
            others = [k for k in range(len(table)) if k != j]
            response = column.numbers()
            options: dict[str, Any] = {"minbucket": minbucket, "cp": 0.0}
            grown = grow_tree(features, others, response, **options)
            ours += median(_repeat(lambda: grow_tree(features, others, response, **options), repeats))  # noqa: B023
            peer, count = peers.sklearn_tree(predictors[:, others], response, minbucket, 1 if quick else 3)
            theirs += peer.seconds
            leaves.append((grown.n_leaves, count))
        detail = {
            "trees": len(leaves),
            "leaves": sum(a for a, _ in leaves),
            "sklearn_leaves": sum(b for _, b in leaves),
        }
        return Measured(theirs / ours, ours, peer.name, theirs, detail=detail)

    return run


def _read_sav(quick: bool) -> Measured:
    """A file of SPSS to rows and codebook, against what pyreadstat takes for the same file; in turns."""
    import pyreadstat

    from replicant.table import read_table

    rng = np.random.default_rng(1)
    n = 200_000
    answers = {f"q{j}": rng.integers(1, 6, n).astype(float) for j in range(9)}
    measures = {f"x{j}": np.where(rng.random(n) < 0.05, -9, rng.normal(50, 10, n).round(2)) for j in range(8)}
    texts = {f"t{j}": rng.choice(["alpha", "beta", "gamma"], n) for j in range(2)}
    days = {"day": 13_200_537_600.0 + 86_400 * rng.integers(0, 3000, n)}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "a.sav")
        pyreadstat.write_sav(
            pd.DataFrame(answers | measures | texts | days),
            path,
            variable_value_labels={name: {1: "a", 2: "b", 3: "c", 4: "d", 5: "e"} for name in answers},
            missing_ranges={name: [-9] for name in measures},
            variable_format={"day": "DATE11"},
            row_compress=True,
        )
        ours, theirs = [], []
        for _ in range(3 if quick else 7):
            theirs += _repeat(lambda: pyreadstat.read_sav(path), 1, warm=False)
            ours += _repeat(lambda: read_table(path), 1, warm=False)
    mine, other = median(ours), median(theirs)
    return Measured(mine / other, mine, "pyreadstat", other, spread=(min(ours), max(ours)))


CASES = {
    case.name: case
    for case in [
        Case(
            "boys_observed_inner",
            "boys, m = 5, a study's replicate, the paper's recipe",
            _boys_inner("observed"),
            400,
            "x mice",
            True,
        ),
        Case(
            "boys_default_inner",
            "boys, m = 5, a study's replicate, the default",
            _boys_inner("synthetic"),
            200,
            "x mice",
            True,
        ),
        Case(
            "boys_observed",
            "boys, m = 5, rp.synthesize to frames, the paper's recipe",
            _boys_frames("observed"),
            100,
            "x mice",
            True,
        ),
        Case(
            "boys_default",
            "boys, m = 5, rp.synthesize to frames, the default",
            _boys_frames("synthetic"),
            60,
            "x mice",
            True,
        ),
        Case("bench_10k", "10k x 10, m = 1", _bench_10k, 100, "x mice", True),
        Case("bench_100k", "100k x 10, m = 1", _bench_100k, 1.5, "s"),
        Case("bench_1m", "1M x 10, m = 5, from Parquet", _bench_1m, 45, "s"),
        Case("memory_1m", "1M x 10, m = 5, peak resident memory", _memory_1m, 2.5, "GB"),
        Case("many_levels", "a column of 10,000 levels on 200k rows, m = 1", _many_levels, 5, "s"),
        Case("sd2011", "SD2011 whole (5000 x 35), m = 1", _sd2011, 3, "s"),
        Case(
            "impute_boys",
            "incomplete boys, m = 10, maxit = 7, mice's defaults",
            _imputed(inputs.boys_incomplete, 5, maxit=7),
            25,
            "x mice",
            True,
        ),
        Case(
            "impute_boys_cart",
            "the same by trees",
            _imputed(inputs.boys_incomplete, 5, maxit=7, method="cart"),
            100,
            "x mice",
            True,
        ),
        Case(
            "impute_nhanes2",
            "nhanes2 (25 x 4), m = 10, maxit = 5, mice's defaults",
            _imputed(inputs.nhanes2, 40, maxit=5),
            20,
            "x mice",
            True,
        ),
        Case("impute_sd2011", "SD2011 imputed, m = 5, maxit = 5, two threads", _sd2011_imputed, 60, "s", cores=2),
        Case(
            "shared_observed",
            "100k x 10, shared fits, observed: one more imputation",
            _shared_fits("observed"),
            5,
            "% of the fits",
        ),
        Case(
            "shared_synthetic",
            "100k x 10, shared fits, synthetic: one more imputation",
            _shared_fits("synthetic"),
            5,
            "% of the fits",
        ),
        Case("overhead", "100k x 10, m = 1, frame to frame, against bare trees", _overhead, 1.3, "x bare fits"),
        Case("threads", "100k x 10, m = 4, two threads against one", _threads, 1.8, "x one thread", True, cores=2),
        Case("read_sav", "200k x 20, a .sav with its codebook, against pyreadstat", _read_sav, 1.5, "x pyreadstat"),
        Case("import", "import, with all that rp.synthesize needs", _import, 1.5, "s"),
        Case(
            "inspect",
            "replicant inspect of a CSV of 1,000 rows, from start to end",
            _started(_INSPECT),
            1.5,
            "x imports",
        ),
        Case("first", "the first rp.synthesize of a process, 1,000 rows, m = 5", _started(_SYNTHESIZE), 3, "x imports"),
        Case("cold", "compiling, on a machine that never ran it", _cold, 12, "s"),
        Case("analyses", "boys, 5 sets: ols, polr and logistic discrimination", _analyses, 40, "ms"),
        Case("trees_boys", "boys, 6 numeric trees", _trees(None), 12, "x scikit-learn", True),
        Case("trees_10k", "10k x 10, 6 numeric trees", _trees(10_000), 12, "x scikit-learn", True),
        Case("trees_100k", "100k x 10, 6 numeric trees", _trees(100_000), 12, "x scikit-learn", True),
    ]
}
