"""The variants of a study: a synthesis, and the settings in which each differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from replicant.errors import SpecError
from replicant.spec.explain import explain
from replicant.spec.models import SynthesisSpec
from replicant.spec.recodings import Recodings
from replicant.spec.study import StudySpec

__all__ = ["variants_of"]


def variants_of(study: StudySpec, synthesis: SynthesisSpec) -> Iterator[tuple[str, Mapping[str, Any], SynthesisSpec]]:
    """Name, differing settings and whole specification of each variant; without any, the synthesis as it is.

    Raises
    ------
    SpecError
        If a variant has an unknown setting, or a value out of bounds.
    """
    if not study.variants:
        yield synthesis.conditioning, {}, synthesis
    base = {name: getattr(synthesis, name) for name in SynthesisSpec.model_fields}
    for name, settings in study.variants.items():
        recoding = next((key for key in settings if key in Recodings.model_fields), None)
        if recoding is not None:
            raise SpecError(
                f"study.variants.{name} says {recoding}, and all variants are of the same table",
                need="recodings of the synthesis, which are done before",
                fix="say it under `synthesis`, or run a study of its own",
            )
        try:
            spec = SynthesisSpec.model_validate({**base, **settings})
        except ValidationError as error:
            raise explain(error, SynthesisSpec, settings, section=("study", "variants", name)) from None
        yield name, {setting: getattr(spec, setting) for setting in settings}, spec
