"""The job file as a JSON Schema, for editors: derived from the models, so that keys are defined once."""

from __future__ import annotations

from typing import Any

from replicant.spec.bulk import BulkDocument

__all__ = ["job_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_EXAMPLES = [
    {
        "input": {"path": "survey.parquet"},
        "columns": {"educ": {"kind": "ordered", "levels": ["low", "middle", "high"]}},
        "synthesis": {"m": 5, "seed": 1, "passive": {"bmi": "wgt / (hgt / 100)**2"}},
        "output": {"path": "release"},
    }
]


def job_schema() -> dict[str, Any]:
    """JSON Schema of a job file.

    It refuses what the models refuse by its shape: unknown keys, wrong types, numbers out of bounds, keys that exclude
    each other. It cannot check what depends on the data: names of columns, expressions.

    Returns
    -------
    dict
        JSON-able, in the dialect of 2020-12.
    """
    schema = BulkDocument.model_json_schema()
    schema["required"].remove("bulk")  # most jobs are one
    # A variant has some of the settings of a synthesis, whose model stands right of the study's: named here, not there.
    variants = schema["$defs"]["StudySpec"]["properties"]["variants"]
    settings = {"anyOf": [{"$ref": "#/$defs/SynthesisSpec"}, {"type": "null"}]}
    variants["anyOf"] = [{"type": "object", "additionalProperties": settings}, {"type": "null"}]
    described = {
        "title": "A job of Replicant",
        "description": "What is read, how it is synthesized, and where it goes.",
    }
    return {"$schema": DIALECT, **schema, **described, "examples": _EXAMPLES}
