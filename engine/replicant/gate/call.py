"""`rp.gate`: utility and disclosure of a release, judged by limits that were decided before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal

from replicant.disclosure.call import disclosure as measure_disclosure
from replicant.errors import SpecError, nearest
from replicant.evaluation.inputs import inputs
from replicant.gate.counted import broken_rules, canaries_found, donors_behind, lone_columns, people_behind
from replicant.gate.evidence import Evidence, beyond, by_itself, named, normal_p, of_area, ratio, worse_than
from replicant.gate.judge import Check, judge, without
from replicant.gate.limits import CHECKS, check_limits, check_tier
from replicant.gate.verdict import Verdict
from replicant.utility.call import utility as measure_utility

if TYPE_CHECKING:
    from replicant.evaluation import Evaluation, Figure

__all__ = ["gate"]

NO_HOLDOUT = "it needs real rows that were not synthesized: `holdout`"


def gate(
    real: Any,
    syn: Any,
    *,
    tier: str = "public",
    holdout: Any = None,
    keys: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    sensitive: Sequence[str] = (),
    limits: Mapping[str, Any] | None = None,
    pairs: Sequence[Sequence[str]] | None = None,
    earlier: Any = None,
    population: Any = None,
    donors: int | None = None,
    rules: Sequence[str] = (),
    indicators: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    effort: Literal["quick", "full"] = "full",
    seed: int = 1,
    client: Any = None,
    threads: int | None = None,
) -> Verdict:
    """Judge whether a release may go out. For the data owner.

    Parameters
    ----------
    real
        The real rows that were synthesized: a frame of any make, a `dask.dataframe`, or a path or URL.
    syn
        A `Synthesis` or a release (or where it is); or sets that any tool made: a frame, a path, or a list of them.
    tier
        Who gets the release: `public`, `safeguarded` (registered users) or `secure` (a research centre).
    holdout
        Real rows that were not synthesized. Without them some checks cannot be judged.
    keys, targets
        Columns that an intruder knows, and wants to learn. None: proposed, as by `rp.disclosure`.
    sensitive
        Columns that hold what people tell few others.
    limits
        By check a number in place of the tier's, or `{"limit": number, "reason": text}`. One that allows more needs a
        reason.
    pairs
        Pairs of columns that matter most: their tables are judged in the tiers `safeguarded` and `secure`.
    earlier
        Earlier releases of the same people.
    population
        How many people of the population share the keys: see `rp.disclosure`.
    donors
        Fewest distinct records behind a value. None: what the release says of itself.
    rules
        Rules that every row keeps, as in a job.
    indicators
        Figures that are published of the table, as of `rp.utility`: they are shown, and judged by nobody.
    columns
        A codebook; a release brings its own.
    effort
        `full`, or `quick` with fewer attacks.
    seed
        Of the random streams.
    client
        A `distributed.Client` that the work is done by. None: the active client; this process, if there is none.
    threads
        Of this process, instead of a client; None for all usable CPUs.

    Returns
    -------
    Verdict
        `.passed`, `.failed`, `.checks`, `.frame`, `.to_html()`.

    Raises
    ------
    DataError
        The tables have no column or no row in common.
    SpecError
        A tier, a check or a column is unknown, or a looser limit has no reason.
    """
    rank = check_tier(tier)
    allowed = check_limits(rank, limits)
    given = inputs(real, syn, holdout, columns=columns)
    important = _important(pairs, given.coding.names)
    some: dict[str, Any] = {"columns": columns, "effort": effort, "seed": seed, "client": client, "threads": threads}
    found = measure_disclosure(
        *(real, syn),
        holdout=holdout,
        keys=keys,
        targets=targets,
        sensitive=sensitive,
        earlier=earlier,
        population=population,
        **some,
    )
    close = measure_utility(real, syn, holdout=holdout, indicators=indicators, **some)
    checks = []
    for rule in CHECKS.values():
        check = Check.of_rule(rule, rank, allowed[rule.name])
        figures = named([*found.figures, *close.figures], *rule.measures) if rule.measures else []
        if rule.name == "distinct_donors":
            checks.append(donors_behind(check, given.manifest, donors))
        elif rule.name == "rules":
            checks.append(broken_rules(check, given, rules))
        elif rule.name == "schema":
            checks.append(lone_columns(check, given))
        elif rule.name == "population":
            checks.append(people_behind(check, given, population, found.settings["keys"]))
        elif rule.name == "canaries":
            checks.append(canaries_found(check, figures, given.canaries, named(found.figures, "copied_rows")))
        elif rule.name == "pair_utility":
            checks.append(_pair_utility(check, figures, important, everything=rank == "public"))
        elif rule.name == "k_marginal":
            checks.append(_k_marginal(check, figures, close))
        else:
            checks.append(
                _judged(check, figures, effort=effort, holdout=holdout is not None, people=population is not None)
            )
    held = None if holdout is None else {"rows": given.held}
    return Verdict(rank, tuple(checks), held, close, found)


def _judged(check: Check, figures: Sequence[Figure], *, holdout: bool, people: bool, effort: str) -> Check:
    """A check of disclosure."""
    if check.name in ("membership", "memorisation") and not holdout:
        return without(check, "not_judged", NO_HOLDOUT)
    if check.name == "confident_guesses" and effort == "quick":
        return without(check, "not_judged", "quick effort leaves it out")
    evidence = list(_evidence(check, figures, people=people))
    if not evidence:
        return without(check, "not_judged", _LACKING.get(check.name, "there are too few records, keys or targets"))
    return judge(check, evidence)


_LACKING = {
    "match_probability": "no keys are named or proposed",
    "attribute_disclosure": "no keys or targets are named or proposed",
    "confident_guesses": "no keys or targets are named or proposed",
    "membership": "the holdout has too few rows",
    "memorisation": "the holdout has too few rows",
}


def _evidence(check: Check, figures: Sequence[Figure], *, people: bool) -> Iterator[Evidence]:
    if check.name == "match_probability":
        # Rows of the real records, in their order, are looked for one by one; else nobody's row is there, and what is
        # found of a class of keys beyond what the holdout's records show is what was given away.
        own = [one for one in figures if one.measure.startswith("match_together")]
        yield from (by_itself(one) for one in own)
        for one in figures:
            if one.measure == "class_match_cumulative" and not own:
                alone = by_itself(one)
                low_enough = check.limit is not None and alone.high <= check.limit
                yield alone if low_enough or (people and one.baseline is None) else beyond(one)
    elif check.name == "membership":
        largest = [one for one in figures if one.measure == "membership_auc"]
        each = [one for one in figures if one.measure != "membership_auc"]
        yield from (of_area(one, each) for one in largest)
    elif check.name == "memorisation":
        for one in figures:
            gap = beyond(one)
            yield replace(gap, p=normal_p(gap))
    elif check.name == "attribute_disclosure":
        yield from (ratio(one) for one in figures if one.measure in ("dcap", "disclosed"))
    elif check.name == "copied_unique_records":
        yield from (beyond(one) for one in figures if not one.of and one.baseline is not None)
    else:
        # A control of models that differ by chance among themselves shows nothing but that there is little to see.
        yield from (replace(beyond(one), known=one.p_value is not None and one.baseline is not None) for one in figures)


def _important(pairs: Sequence[Sequence[str]] | None, names: Sequence[str]) -> list[frozenset[str]]:
    """Pairs of columns.

    Raises
    ------
    SpecError
        One is no pair of columns of both tables.
    """
    for pair in pairs or ():
        if isinstance(pair, str) or len(set(pair)) != 2:
            raise SpecError(f"pairs has {pair!r}", need="pairs of columns: [[age, income], [sex, region]]")
        for name in pair:
            if name not in names:
                raise SpecError(
                    f"pairs name {name!r}, which is no column that both tables have{nearest(str(name), names)}",
                    need=f"some of {', '.join(list(names)[:20])}",
                )
    return [frozenset(pair) for pair in pairs or ()]


def _pair_utility(
    check: Check, figures: Sequence[Figure], important: Sequence[frozenset[str]], *, everything: bool
) -> Check:
    if not everything and not important:
        return without(check, "not_applicable", "no important pairs are named: `pairs`")
    named_so = {" x ".join(pair) for one in important for pair in permutations(one)}
    wanted = [one for one in figures if everything or one.of in named_so]
    if not wanted:
        return without(check, "not_applicable", "no table of two columns could be counted")
    return judge(check, [worse_than(one, one.value, one.p_value) for one in wanted], shown=True)


def _k_marginal(check: Check, figures: Sequence[Figure], close: Evaluation) -> Check:
    score = named(close.figures, "k_marginal")
    if not figures or not score:
        return without(check, "not_applicable", "there is no pair of columns, or there are fewer than 20 rows")
    return judge(check, [worse_than(figures[0], figures[0].value, score[0].p_value)], shown=True)
