"""What looks unusual in a table, and what might be said of it: a file for each suspicion, each a function of the table.

A suspicion names columns, counts, levels and codes; it quotes no other cell.
"""

from __future__ import annotations

from replicant.table.suspicions.arithmetic import Derivation, derivations
from replicant.table.suspicions.codes import code_suspicions
from replicant.table.suspicions.dates import date_suspicions
from replicant.table.suspicions.derived import derived_suspicions
from replicant.table.suspicions.model import Suspicion
from replicant.table.suspicions.orders import order_suspicions
from replicant.table.suspicions.people import people_suspicions
from replicant.table.suspicions.skips import skip_suspicions
from replicant.table.suspicions.weights import weight_suspicions
from replicant.table.table import Table

__all__ = ["Derivation", "Suspicion", "computable", "suspicions"]


def computable(table: Table) -> list[Derivation]:
    """Columns that are arithmetic on others in nearly every row, missing where these are, without codes of missing."""
    codes = [one for one in code_suspicions(table) if one.code == "missing_codes"]
    return [one for one in derivations(table, codes) if one.same and one.blank and one.settled]


def suspicions(table: Table) -> list[Suspicion]:
    """All that is suspected of a table's columns, column by column in the table's order.

    Parameters
    ----------
    table
        The table as it was read, with nothing or little declared.
    """
    dates = date_suspicions(table)
    # Dates in the order of a country are distinct texts, and no identifiers.
    dated = {one.column for one in dates if one.settles}
    people = [one for one in people_suspicions(table) if one.column not in dated]
    found: list[Suspicion] = [*people, *weight_suspicions(table), *dates]
    settled = {one.column for one in found if one.settles}
    found += [one for one in code_suspicions(table) if one.column not in settled]
    codes = [one for one in found if one.code == "missing_codes"]
    derived = derived_suspicions(table, codes)
    found += [*derived, *skip_suspicions(table, codes), *order_suspicions(table, derived)]
    position = {name: at for at, name in enumerate(table.names)}
    return sorted(found, key=lambda one: position[one.column])
