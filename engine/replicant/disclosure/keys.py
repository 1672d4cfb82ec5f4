"""Which columns to take for keys and which for targets: a proposal that says why.

Keys are what somebody may know of a person from elsewhere, targets what nobody should learn. Both show in the names of
columns in English, and keys also in what columns are. A proposal is read by a person, who knows better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from replicant.disclosure.combinations import count, keys_of
from replicant.disclosure.tally import Questions
from replicant.evaluation.rows import Rows

__all__ = ["Proposal", "Role", "propose_keys"]

Role: TypeAlias = Literal["key", "target", "identifier", "neither"]

MOST_KEYS = 6
MOST_LEVELS = 60
NEARLY_ALL = 0.95


def words_of(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


KNOWN = words_of(
    """
    age agegr agegroup birth birthday birthdate birthyear born yob dob sex gender region county city town
    village zip zipcode postcode postal address street country nation nationality citizen citizenship origin
    ethnic ethnicity race language marital married spouse partner education educ edu school degree qualification
    occupation occ job profession industry employer employment workplace household hhsize family children kids
    siblings urban rural placesize location district province state municipality area district canton height hgt
    residence migration immigrant veteran
    """
)
"""Words of what is seen of people, or stands in registers."""

SENSITIVE = words_of(
    """
    income earnings earning wage salary pay wealth assets debt loan credit benefit benefits welfare tax pension
    poverty health disease illness diagnosis diagnosed icd disability disabled drug drugs alcohol drink smoke
    smoking smoker depress depression anxiety mental suicide hiv aids cancer tumor tumour diabetes medication
    treatment bmi weight wgt blood pressure genetic puberty sexual sexuality orientation abortion pregnant
    pregnancy fertility contraception crime criminal convict conviction arrest arrested offence offense prison
    victim violence abuse religion religious church politics political party vote voted voting opinion trust
    satisfaction happy happiness union score grade
    """
)
"""Words of what people tell few others."""


@dataclass(frozen=True)
class Proposal:
    """What one column is proposed to be.

    Attributes
    ----------
    column, role
        The column, and what to take it for.
    reason
        Why.
    unique
        Of keys: the share of records that are the only ones with this key and those above it.
    """

    column: str
    role: Role
    reason: str
    unique: float | None = None


def propose_keys(rows: Rows, identifiers: Sequence[str] = (), sensitive: Sequence[str] = ()) -> tuple[Proposal, ...]:
    """Propose what each column of the real table is.

    Parameters
    ----------
    rows
        The real table, or a sample of it.
    identifiers
        Columns that are known to identify records.
    sensitive
        Columns that are known to hold what people tell few others: targets, whatever they are called.

    Returns
    -------
    tuple of Proposal
        One for each column: keys first, in an order in which each adds most to how many records are unique.
    """
    facts = {name: _facts(rows, name) for name in rows.coding.names}
    roles = {name: _role(name, rows, facts[name], name in identifiers) for name in rows.coding.names}
    roles |= dict.fromkeys(sensitive, ("target", "it is named as sensitive"))
    if not any(role == "key" for role, _ in roles.values()):
        for name in _unusual(rows, facts, roles):
            roles[name] = ("key", "no column has a name that says so, and this one tells many records apart")
    order = _ordered(rows, [name for name, (role, _) in roles.items() if role == "key"])
    for name in list(order)[MOST_KEYS:]:
        why = f"{roles[name][1]}, but {MOST_KEYS} other keys tell records apart better"
        roles[name] = ("neither", why)
    keys = [Proposal(name, "key", roles[name][1], order[name]) for name in list(order)[:MOST_KEYS]]
    rest = {role: [name for name, one in roles.items() if one[0] == role] for role in _REST}
    return (*keys, *(Proposal(name, role, roles[name][1]) for role in _REST for name in rest[role]))


_REST: tuple[Role, ...] = ("target", "identifier", "neither")


@dataclass(frozen=True)
class _Facts:
    distinct: int
    alone: float
    missing: float


def _facts(rows: Rows, name: str) -> _Facts:
    one = rows.only([name])
    found = count(one.cells[:, 0])
    n = max(len(rows), 1)
    missing = float((one.groups[:, 0] == one.coding.sizes[0] - 1).sum()) / n
    return _Facts(len(found.keys), float((found.counts == 1).sum()) / n, missing)


def _role(name: str, rows: Rows, facts: _Facts, identifier: bool) -> tuple[Role, str]:
    words = _words(name)
    numeric = bool(rows.only([name]).coding.is_numeric[0])
    if identifier or (not numeric and len(rows) >= 20 and facts.alone > NEARLY_ALL):
        return "identifier", "nearly every record has a value of its own: leave the column out of a release"
    if facts.distinct < 2:
        return "neither", "all its cells are the same"
    levels = f"{facts.distinct} different values, {facts.alone:.1%} of the records alone with theirs"
    sensitive, known = _named(words, SENSITIVE), _named(words, KNOWN)
    if sensitive and not known:
        return "target", f"the name has the word {sensitive!r}, of what people tell few others"
    if known:
        return "key", f"the name has the word {known!r}, of what others may know of a person; {levels}"
    if numeric and facts.distinct > MOST_LEVELS:
        return "target", f"a measurement ({levels}): exact, it is seldom known to others"
    return "neither", f"neither its name nor what it is says so ({levels})"


def _words(name: str) -> list[str]:
    """The words of a name: `birthYear`, `birth_year` and `BIRTH.YEAR2` have two."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z]+", apart.lower())


def _named(words: Sequence[str], known: frozenset[str]) -> str | None:
    """The first word that is known, also in the plural."""
    whole = "".join(words)
    return next((word for word in (*words, whole) if word in known or word.removesuffix("s") in known), None)


def _unusual(rows: Rows, facts: dict[str, _Facts], roles: dict[str, tuple[Role, str]]) -> list[str]:
    """Columns of levels that tell most records apart, where no name says what is known of people."""
    plain = [
        name for name, (role, _) in roles.items() if role == "neither" and 2 <= facts[name].distinct <= MOST_LEVELS
    ]
    return sorted(plain, key=lambda name: -facts[name].distinct)[:4]


def _ordered(rows: Rows, keys: Sequence[str]) -> dict[str, float]:
    """Keys in the order in which each adds most classes, and the share of records that are unique by then."""
    order: dict[str, float] = {}
    left = list(keys)
    codes = {name: Questions((name,)).codes(rows)[0] for name in keys}
    while left:
        counts = {name: count(keys_of(np.hstack([codes[one] for one in (*order, name)]))).counts for name in left}
        best = max(left, key=lambda name: len(counts[name]))
        order[best] = float((counts[best] == 1).sum()) / max(len(rows), 1)
        left.remove(best)
    return order
