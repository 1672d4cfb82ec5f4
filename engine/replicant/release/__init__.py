"""Releases: m synthetic sets as Parquet with a manifest, written whole or not at all, verified and read back."""

from __future__ import annotations

from replicant.release.arrow import from_arrow
from replicant.release.copies import FORMATS, CopyFormat
from replicant.release.csv import Sheet, sheet_of
from replicant.release.flag import flagged
from replicant.release.manifest import (
    Copy,
    Helper,
    SetFile,
    internal_manifest,
    manifest_bytes,
    parse_manifest,
    public_manifest,
)
from replicant.release.read import Release, read_release
from replicant.release.schema import OutputSchema, frame_schema, output_schema, to_arrow
from replicant.release.scripts import helper_text
from replicant.release.sets import SyntheticSets, stack
from replicant.release.verify import Verification, verify_release
from replicant.release.write import (
    Record,
    Staging,
    abandon,
    check_target,
    commit,
    files_of,
    settle,
    stage,
    staging_folder,
    standing,
    write_copy,
    write_file,
    write_helper,
)
from replicant.storage.folder import HELPERS

__all__ = [
    "FORMATS",
    "HELPERS",
    "Copy",
    "CopyFormat",
    "Helper",
    "OutputSchema",
    "Record",
    "Release",
    "SetFile",
    "Sheet",
    "Staging",
    "SyntheticSets",
    "Verification",
    "abandon",
    "check_target",
    "commit",
    "files_of",
    "flagged",
    "frame_schema",
    "from_arrow",
    "helper_text",
    "internal_manifest",
    "manifest_bytes",
    "output_schema",
    "parse_manifest",
    "public_manifest",
    "read_release",
    "settle",
    "sheet_of",
    "stack",
    "stage",
    "staging_folder",
    "standing",
    "to_arrow",
    "verify_release",
    "write_copy",
    "write_file",
    "write_helper",
]
