"""Identifiers, what is near one, and keys whose values bind rows together."""

from __future__ import annotations

from replicant.table.kinds import Kind
from replicant.table.suspicions.model import Suspicion
from replicant.table.table import Table

__all__ = ["people_suspicions"]


def people_suspicions(table: Table) -> list[Suspicion]:
    """Identifiers are to be dropped; of the others a person has to decide."""
    found = [
        Suspicion(
            column.name,
            "identifier",
            f"an identifier ({column.why}): left out; method: {{{column.name}: surrogate}} would make up new ones",
            {"kind": "identifier"},
            {"synthesis.drop": column.name},
            settles=True,
        )
        for column in table.columns
        if column.kind is Kind.IDENTIFIER
    ]
    codes = {"near_identifier", "declared_identifier", "repeated_key"}
    found += [Suspicion(e.column, e.code, e.message, sure=False) for e in table.events if e.code in codes]
    return found
