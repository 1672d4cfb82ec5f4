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
from replicant.execution.software import software
from replicant.execution.timing import Effort, peak_bytes
from replicant.storage.open import open_folder

__all__ = ["METRICS", "keep_metrics", "measure"]

METRICS = "metrics.json"
FORMAT = 1


def measure(effort: Effort, *, digest: str, files: Sequence[release.Record], resumed: bool) -> dict[str, Any]:
    """What a run took until now.

    Parameters
    ----------
    effort
        Its passes.
    digest
        Of the run, as in the internal manifest.
    files
        Those of the release.
    resumed
        Whether an interrupted run was taken up: the times are then of the rest only.

    Returns
    -------
    dict
        JSON-able, in seconds and bytes. `worked` is the time of all pieces of a stage, wherever they were made; it is
        null where that was not counted, and so are the rows a second of a resumed run.
    """
    effort.saw(peak_bytes())
    seconds = time.perf_counter() - effort.began
    rows = sum(file.rows for file in files if isinstance(file, release.Part) and file.path.endswith(".parquet"))
    stages = [
        {
            "stage": one.what,
            "seconds": round(one.wall, 3),
            "hands": one.hands,
            "pieces": one.pieces,
            "worked": round(one.seconds, 3) if one.pieces else None,
        }
        for one in effort.passes
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
        "peak_memory": effort.peak,
        "hands": max((one.hands for one in effort.passes), default=1),
        "machine": {"system": platform.system(), "machine": platform.machine(), "cpus": os.cpu_count()},
        "versions": software(),
    }


def keep_metrics(
    effort: Effort,
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
    effort, digest, files, resumed
        As for `measure`.
    progress
        Who is told.
    """
    found = measure(effort, digest=digest, files=files, resumed=resumed)
    try:
        open_folder(internal).write(METRICS, (json.dumps(found, indent=1) + "\n").encode(), private=True)
    except ReleaseError as error:
        # The release is in its place: too late to fail.
        progress.note(f"what the run took could not be written: {error.found}")
    progress.measured(found | {"digest": digest[:8]})  # as in names of tasks: all of it stays inside
