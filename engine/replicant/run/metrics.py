"""What a run took, as a document: times, memory, bytes, where it ran, on what. It stays with the data owner.

A release does not depend on it, nor does a resumed run: it is written when the release is in its place, beside the
internal manifest, and a run that is killed in between has none.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import time
from collections.abc import Sequence
from typing import Any

from replicant import release
from replicant.errors import ReleaseError
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing, peak_bytes
from replicant.storage.open import open_folder
from replicant.versions import software

__all__ = ["METRICS", "keep_metrics", "measure"]

METRICS = "metrics.json"
FORMAT = 2


def measure(timing: Timing, *, digest: str, files: Sequence[release.Record], resumed: bool) -> dict[str, Any]:
    """What a run took until now.

    Parameters
    ----------
    timing
        Its stages.
    digest
        Of the run, as in the internal manifest.
    files
        Those of the release.
    resumed
        Whether an interrupted run was taken up: the times are then of the rest only.

    Returns
    -------
    dict
        JSON-able, in seconds and bytes. `worked` is the time of all tasks of a stage, wherever they were made; it is
        null where that was not counted, and so are the rows a second of a resumed run.
    """
    timing.observe(peak_bytes())
    seconds = time.perf_counter() - timing.began
    rows = sum(file.rows for file in files if isinstance(file, release.SetFile) and file.path.endswith(".parquet"))
    stages = [
        {
            "stage": one.stage,
            "seconds": round(one.wall, 3),
            "workers": one.workers,
            "tasks": one.tasks,
            "worked": round(one.seconds, 3) if one.tasks else None,
        }
        for one in timing.stages
    ]
    return {
        "format": FORMAT,
        "digest": digest,
        "resumed": resumed,
        "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "stages": stages,
        "rows": rows,
        "rows_per_second": None if resumed else round(rows / max(seconds, 1e-9), 1),
        "files": len(files),
        "bytes_written": sum(file.bytes for file in files),
        "peak_memory": timing.peak,
        "workers": max((one.workers for one in timing.stages), default=1),
        "machine": {"system": platform.system(), "machine": platform.machine(), "cpus": os.cpu_count()},
        "versions": software(),
    }


def keep_metrics(
    timing: Timing,
    progress: Progress,
    internal: str,
    *,
    digest: str,
    files: Sequence[release.Record],
    resumed: bool,
) -> None:
    """Write what a finished run took beside its internal manifest, and say it.

    Parameters
    ----------
    internal
        The folder of the internal manifest.
    timing, digest, files, resumed
        As for `measure`.
    progress
        Receives the figures.
    """
    found = measure(timing, digest=digest, files=files, resumed=resumed)
    try:
        open_folder(internal).write(METRICS, (json.dumps(found, indent=1) + "\n").encode(), private=True)
    except ReleaseError as error:
        # The release is in its place: too late to fail.
        progress.note(f"what the run took could not be written: {error.found}")
    progress.measured(found | {"digest": digest[:8]})  # as in names of tasks: all of it stays inside
