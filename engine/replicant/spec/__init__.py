"""What the user asks for: job files, settings, and the small language of expressions and rules."""

from __future__ import annotations

from replicant.spec.expression import Expression, parse_expression
from replicant.spec.load import load_job, validate_synthesis
from replicant.spec.models import InputSpec, JobSpec, OutputSpec, SynthesisSpec
from replicant.spec.rule import Rule, parse_rule

__all__ = [
    "Expression",
    "InputSpec",
    "JobSpec",
    "OutputSpec",
    "Rule",
    "SynthesisSpec",
    "load_job",
    "parse_expression",
    "parse_rule",
    "validate_synthesis",
]
