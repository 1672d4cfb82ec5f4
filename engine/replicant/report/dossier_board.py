"""The pages of a dossier for the review board: both parts of the release page, the risk assessment, the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.dossier_words import VERDICTS, count_of, number_of, said_of, shared_words, size_of
from replicant.report.measures import title
from replicant.view.templates import render

__all__ = ["assessment", "board", "record"]

_DOCUMENTS = {
    "risk-assessment.html": "risk assessment, with a motivated-intruder test to fill in",
    "record.html": "reproducibility record; retention or destruction of models and seed",
    "report.json": "what these pages say",
}

_SCENARIOS = (
    (
        "Acquaintance",
        "A neighbour, colleague or relative knows that a person was surveyed and some facts, and looks for the row.",
        ("match_probability", "copied_unique_records", "distinct_donors"),
    ),
    (
        "Register or marketing file",
        "Somebody links rows to a file of names by columns that both have.",
        ("match_probability", "linkability", "population"),
    ),
    (
        "Attribute",
        "Somebody knows the keys of a person and wants to learn one thing more.",
        ("attribute_disclosure", "confident_guesses", "inference"),
    ),
    (
        "Membership",
        "Somebody wants to know whether a person was in the data at all.",
        ("membership", "memorisation", "canaries"),
    ),
    (
        "Journalist",
        "Somebody wants to show that a release is unsafe, and is content with any one person.",
        ("singling_out", "copied_unique_records"),
    ),
    (
        "Releases together",
        "Somebody has earlier releases of the same people.",
        ("match_probability", "distinct_donors"),
    ),
)


def board(public: Mapping[str, Any], secret: Mapping[str, Any], outside: str) -> str:
    """The page of the review board: both parts.

    Parameters
    ----------
    public, secret
        From `public_summary` and `board_summary`.
    outside
        Where the public dossier is, relative to this page or as a URL; empty if there is none.
    """
    gate = secret["gate"] or public["gate"]
    documents = [*_DOCUMENTS.items(), *([(f"{outside}/index.html", "the public part")] if outside else [])]
    return render(
        "report/dossier.html",
        **shared_words(public, gate, withheld=secret["withheld"]),
        board=secret,
        linked="",
        documents=documents,
        outside=outside,
        changed=_changed(gate),
        risks=[
            (title(one["measure"]), one["of"], f"{one['records']:,}", count_of(one["expected"]), f"{one['n']:,}")
            for one in secret["at_risk"]
        ],
        flags=[
            (what, title(one["measure"]), _subject(one), number_of(one["value"]), number_of(one["baseline"]))
            for what, found in secret["flags"].items()
            for one in found
        ],
        protection=[
            (
                name,
                *(f"{one[what]:,}" for what in ("leaves", "few_records", "few_values", "dominated")),
                *(f"{share:.1%}" for share in (one["rows_short"] / one["rows"], one["explained_unprotected"])),
                f"{one['explained']:.1%}",
            )
            for name, one in secret["protection"].items()
        ],
        remedies=[_remedy(one) for one in (gate or {}).get("remedies", ())],
        overrides=[(one["check"], one["by"], one["date"], one["reason"]) for one in (gate or {}).get("overrides", ())],
        settings=list(secret["settings"].items()),
    )


def assessment(public: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    """The risk assessment, with what the board must fill in."""
    gate = secret["gate"] or public["gate"]
    verdicts = {one["check"]: one for one in (gate or {}).get("checks", ())}
    scenarios = [
        {
            "name": name,
            "how": how,
            "checked": "; ".join(
                f"{verdicts[check]['title']}: {VERDICTS[verdicts[check]['verdict']]}"
                for check in checks
                if check in verdicts
            )
            or "nothing",
        }
        for name, how, checks in _SCENARIOS
    ]
    scope = [
        ("Release", public["title"]),
        ("Tier", str(gate["tier"]) if gate else "none: no gate"),
        ("Size", size_of(public)),
        ("Known to an intruder", ", ".join(secret["keys"]) or "not evaluated"),
        ("Targets", ", ".join(secret["targets"]) or "not evaluated"),
    ]
    return render(
        "report/dossier_risk.html",
        title=f"Risk assessment: {public['title']}",
        said=said_of(gate, withheld=secret["withheld"]),
        scope=scope,
        scenarios=scenarios,
    )


def record(public: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    """The reproducibility record."""
    found = secret["record"]
    gone = found["seed_destroyed"]
    if gone:
        seed = f"destroyed on {gone}"
    else:
        seed = f"{found['seed']} ({'given' if found['seed_given'] else 'drawn by the program'})"
    facts = [
        ("Synthesized", found["created"]),
        ("Seed", seed),
        ("Digest of the plan", found["digest"]),
        *((f"Input: {name}", value) for name, value in found["input"].items()),
        ("Partitions and tasks", f"{found['partitions']}, {found['tasks']}"),
        *((name, version) for name, version in found["versions"].items()),
    ]
    if gone:
        repeat = [
            "The seed is destroyed. The synthesis cannot be repeated byte for byte, no more sets can be drawn that "
            "belong to these, and nobody can prove by repeating it that these files were made from these data. The "
            "digests above and below still identify the input and the files."
        ]
        commands = [f"replicant verify {found['target']}"]
    else:
        repeat = [
            "With the same input (its digest is above), the settings below, this seed and these versions, the job "
            "gives the same files byte for byte, on any number of threads or workers."
        ]
        commands = ["replicant run JOB --set output.path=again", f"replicant verify {found['target']}"]
    retention = [
        "No fitted model is stored: trees and other models live in memory while a column is drawn, and are gone "
        "when the run ends. What a run keeps to be resumed is removed when it is finished.",
        "The seed is removed, and is in none of these papers any more. A job file of your own may still hold it."
        if gone
        else f"The seed is in the internal manifest in {found['internal']} and on this page. Whoever has it and the "
        "real data can repeat the synthesis; whoever has it and guesses a record can test the guess.",
    ]
    if not gone:
        retention.append(
            "Keep it as long as you may have to prove how the release was made, and destroy it when the real data are "
            "destroyed. The last command above removes it from both, for good."
        )
        commands.append(f"replicant destroy-seed {found['target']}")
    return render(
        "report/dossier_record.html",
        title=f"Reproducibility record: {public['title']}",
        record=facts,
        repeat=repeat,
        commands=commands,
        retention=retention,
        files=[(one["path"], f"{one['rows']:,}", one["sha256"]) for one in found["files"]],
        settings=list(secret["settings"].items()),
    )


def _changed(gate: Mapping[str, Any] | None) -> list[tuple[str, ...]]:
    return [
        (
            one["title"],
            number_of(one["changed"].get("tier_limit")),
            number_of(one.get("limit")),
            one["changed"].get("reason") or "",
        )
        for one in (gate or {}).get("checks", ())
        if one.get("changed")
    ]


def _remedy(one: Mapping[str, Any]) -> tuple[str, ...]:
    changed = [
        f"{title(name)} {number_of(found['before'])} → {number_of(found['after'])}"
        for name, found in one["utility"].items()
    ]
    return (
        str(one["step"]),
        f"{one['remedy']}: {one['what']}",
        "kept" if one["kept"] else "taken back",
        count_of(one["rows_changed"]),
        count_of(one["cells_changed"]),
        ", ".join(one["failed_before"]),
        ", ".join(one["failed_after"]) or "none",
        "; ".join(changed),
    )


def _subject(figure: Mapping[str, Any]) -> str:
    return " · ".join(part for part in (figure["group"], figure["of"]) if part)
