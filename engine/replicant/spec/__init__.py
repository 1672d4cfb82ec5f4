"""What the user asks for: job files, settings, and the small language of expressions and rules."""

from __future__ import annotations

from replicant.spec.expression import Expression, parse_expression
from replicant.spec.rule import Rule, parse_rule

__all__ = ["Expression", "Rule", "parse_expression", "parse_rule"]
