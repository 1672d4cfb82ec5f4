"""How much memory a release may take, told before its table is read: by the footers of Parquet, or the size of a CSV.

It errs on the large side, as if every column held numbers, and serves to say what may run side by side. Whether a table
fits at all is decided when it was read, by what it is.
"""

from __future__ import annotations

from replicant.errors import DataError
from replicant.plan.memory import piece_bytes
from replicant.spec.models import JobSpec
from replicant.table import Dataset, Kind
from replicant.table.place import Place

__all__ = ["footprint"]

_SNIFF = 1 << 16
_UNPACKED = 8
"""Bytes that a byte of a compressed CSV may become."""


def footprint(job: JobSpec) -> int:
    """Bytes that a job on a table in memory takes at most, next to nothing for one of a package.

    Raises
    ------
    SpecError, DataError
        If the table cannot be found, or is damaged.
    """
    if job.input.path is None:
        return piece_bytes([], 0)
    chosen = job.input.columns
    place = Place.of(job.input.path)
    place.check_exists()
    if place.is_folder or place.name.lower().endswith((".parquet", ".pq")):
        dataset = Dataset.open(job.input.path, chosen)
        names, rows = list(dataset.names), dataset.rows
    else:
        names, rows = _of_csv(place)
        names = names if chosen is None else list(chosen)
    said = {name: job.columns[name].kind for name in names if name in job.columns}
    return piece_bytes([said.get(name) or Kind.CONTINUOUS for name in names], rows)


def _of_csv(place: Place) -> tuple[list[str], int]:
    """Names of the columns, and about how many rows: the size by that of the first lines."""
    import fsspec

    packed = fsspec.utils.infer_compression(place.name)
    size, _ = place.stamp(place.path)
    try:
        with place.open() as file:
            head = (file if packed is None else fsspec.compression.compr[packed](file, mode="rb")).read(_SNIFF)
    except (OSError, EOFError):
        raise DataError(f"{place} cannot be read", fix="fetch it again") from None
    first, _, rest = head.partition(b"\n")
    lines = max(1, rest.count(b"\n"))
    names = [name.strip().strip('"') for name in first.decode("utf-8", "replace").split(",")]
    return names, size * (1 if packed is None else _UNPACKED) * lines // max(1, len(rest))
