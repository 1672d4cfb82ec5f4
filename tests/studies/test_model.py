"""A study planned, and its blocks: addresses, digests, what the figures of a block are made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import DataError, SpecError
from replicant.studies import PreparedStudy, Study
from replicant.table import Table, encode_table

ASKED = {
    "replicates": 3,
    "variants": {"trees": {}, "observed": {"conditioning": "observed"}},
    "estimands": [
        {"name": "fit", "model": "ols", "formula": "y ~ x + count"},
        {"name": "other", "model": "ols", "formula": "x ~ stage"},
        {"means": ["x", "count"]},
        {"correlation": ["x", "y"]},
        {"discriminate": "~ x + y"},
        {"copies": True},
    ],
}

Prepare = Callable[..., PreparedStudy]


@pytest.fixture(scope="module")
def prepared(prepared_of: Prepare) -> PreparedStudy:
    return prepared_of(**ASKED)


def test_blocks_cover_the_replicates(study_of: Callable[..., Study]) -> None:
    for replicates in (2, 9, 10, 11, 25):
        study = study_of(replicates=replicates)
        blocks = [study.replicates(block) for block in range(study.blocks)]
        assert list(itertools.chain(*blocks)) == list(range(replicates))
        assert all(len(block) == study.block for block in blocks[:-1])
        assert len(blocks[-1]) > 0


def test_long_replicates_have_short_blocks(study_of: Callable[..., Study], monkeypatch: pytest.MonkeyPatch) -> None:
    from replicant.studies import model

    seconds = sum(variant.plan.seconds_estimate for variant in study_of().variants)
    for budget, block in ((seconds * 3.5, 3), (seconds / 2, 1), (seconds * 1000, 10)):
        monkeypatch.setattr(model, "BLOCK_SECONDS", budget)
        assert study_of(replicates=20).block == block


def test_variants_are_the_synthesis_with_their_settings(study_of: Callable[..., Study]) -> None:
    study = study_of(
        synthesis={"minbucket": 3},
        variants={"plain": None, "own": {"conditioning": "observed", "m": 4}, "shared": {"fits": "shared"}},
    )
    plain, own, shared = study.variants
    assert [variant.name for variant in study.variants] == ["plain", "own", "shared"]
    assert (plain.plan.conditioning, plain.plan.m, plain.plan.cart.minbucket) == ("synthetic", 2, 3)
    assert (own.plan.conditioning, own.plan.m, own.plan.cart.minbucket) == ("observed", 4, 3)
    assert shared.plan.fits == "shared"
    assert own.manifest["m"] == 4
    assert {variant.plan.seed for variant in study.variants} == {7}
    assert [variant.name for variant in study_of().variants] == ["synthetic"]


def test_a_setting_may_be_taken_back(study_of: Callable[..., Study]) -> None:
    study = study_of(synthesis={"class_risk": "misclassified"}, variants={"a": {}, "b": {"class_risk": None}})
    assert [variant.plan.cart.class_risk for variant in study.variants] == ["misclassified", "gini"]


@pytest.mark.parametrize(
    ("variants", "found"),
    [
        ({"a": {"condtioning": "observed"}}, r"study\.variants\.a\.condtioning.*did you mean.*conditioning"),
        ({"a": {"conditioning": "observd"}}, r"study\.variants\.a\.conditioning.*did you mean 'observed'"),
        ({"a": {"minbucket": 0}}, r"study\.variants\.a\.minbucket"),
        ({"a": {"k": 60}}, r"the variant 'a' sets k to 60"),
        ({"a": {"method": "crat"}}, r"did you mean 'cart'"),
        ({"a": {"passive": {"twice": "z * 2"}}}, r"z"),
    ],
)
def test_settings_that_are_none(variants: dict[str, Any], found: str, study_of: Callable[..., Study]) -> None:
    with pytest.raises(SpecError, match=found):
        study_of(variants=variants)


def test_as_many_rows_as_there_are_is_no_setting(study_of: Callable[..., Study], table: Table) -> None:
    assert study_of(variants={"a": {"k": table.n}}).variants[0].plan.k == table.n
    with pytest.raises(SpecError, match="sets k to 7"):
        study_of(synthesis={"k": 7})


def test_the_digest_is_of_all_that_decides_the_results(
    study_of: Callable[..., Study], frame: pd.DataFrame, tmp_path: Path
) -> None:
    changed = frame.copy()
    changed.loc[3, "x"] += 0.1
    lines = [f"{i},{','.join(['1'] * 120)}\n" for i in range(3)]
    (tmp_path / "a.csv").write_text("".join(lines))
    (tmp_path / "b.csv").write_text("".join([*lines[:2], lines[2].replace(",1,", ",2,")]))
    base: dict[str, Any] = {"replicates": 3, "estimands": [{"means": "x"}]}
    passive = {"twice": "x * 2 + y"}
    others = [
        study_of(**base),
        study_of(**{**base, "replicates": 4}),
        study_of(**base, level=0.9),
        study_of(**{**base, "estimands": [{"means": "y"}]}),
        study_of(**{**base, "estimands": [{"means": "x", "name": "other"}]}),
        study_of(**base, variants={"a": {}}),
        study_of(**base, variants={"b": {}}),
        study_of(**base, variants={"a": {"minbucket": 3}}),
        study_of(**base, synthesis={"seed": 8}),
        study_of(**base, synthesis={"m": 3}),
        study_of(**base, of=encode_table(changed), synthesis={"passive": passive}),
        study_of(**base, samples=str(tmp_path / "a.csv")),
        study_of(**base, samples=str(tmp_path / "b.csv")),
    ]
    assert len({study.digest for study in others}) == len(others)


def test_the_digest_is_of_what_is_summed_together(
    study_of: Callable[..., Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of another length are no blocks of this study."""
    from replicant.studies import model

    ten = study_of(replicates=20).digest
    monkeypatch.setattr(model, "BLOCK", 5)
    assert study_of(replicates=20).digest != ten


def test_the_digest_is_not_of_what_is_only_shown(study_of: Callable[..., Study], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"1,{','.join(['1'] * 120)}\n" * 2)
    (tmp_path / "b.csv").write_bytes((tmp_path / "a.csv").read_bytes())
    published = [{"source": "R", "arm": "sample", "file": "f.csv", "fields": {"estimate": "e"}}]
    digests = {
        study_of(samples=str(tmp_path / "a.csv"), estimands=[{"means": "x"}]).digest,
        study_of(samples=str(tmp_path / "b.csv"), estimands=[{"means": "x"}], title="A", note="B").digest,
        study_of(
            samples=str(tmp_path / "a.csv"),
            estimands=[{"means": "x", "title": "A", "published": published}],
            reference="somewhere",
        ).digest,
    }
    assert len(digests) == 1


def test_without_a_seed_one_is_drawn_and_shown_nowhere(study_of: Callable[..., Study]) -> None:
    one, other = (study_of(synthesis={"seed": None}) for _ in range(2))
    assert one.seed != other.seed
    assert {variant.plan.seed for variant in one.variants} == {one.seed}
    assert str(one.seed) not in repr(one)


def test_samples_that_do_not_fit_are_refused(study_of: Callable[..., Study], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,1,2,3\n" * 2)
    with pytest.raises(DataError, match="is not a sample of this table"):
        study_of(samples=str(tmp_path / "a.csv"))


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_every_table_has_the_arms_it_says(prepared: PreparedStudy) -> None:
    block = prepared.measure(0)
    heads = {head.name: head for head in prepared.heads}
    assert set(heads) == {"fit", "other", "means", "correlation", "discriminate", "discriminate-scores", "copies"}
    for name, head in heads.items():
        arms = {arm for table, arm in block.tally if table == name}
        assert arms == {"trees", "observed"} | ({"sample"} if head.sample else set())
        for arm in arms:
            moments = block.tally[name, arm]
            more = head.sample and arm != "sample"
            assert moments.mean.shape == (len(head.fields) + more, len(head.terms))
            assert moments.draws.shape == (3 if head.draws else 0, len(head.terms))
    assert block.index == 0
    assert block.synthesis > 0
    assert block.estimation > 0


def test_a_block_is_the_same_again_and_in_another_preparation(prepared: PreparedStudy, prepared_of: Prepare) -> None:
    first, again, other = prepared.measure(0).tally, prepared.measure(0).tally, prepared_of(**ASKED).measure(0).tally
    for key, moments in first.items():
        for tally in (again, other):
            for part in ("n", "mean", "m2", "draws"):
                assert getattr(moments, part).tobytes() == getattr(tally[key], part).tobytes(), key


def test_a_replicate_does_not_depend_on_its_block(prepared_of: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    from replicant.studies import model

    asked = {**ASKED, "replicates": 6}
    whole = prepared_of(**asked).measure(0).tally["means", "observed"].draws
    monkeypatch.setattr(model, "BLOCK", 2)
    cut = prepared_of(**asked)
    assert cut.study.blocks == 3
    np.testing.assert_array_equal(
        np.vstack([cut.measure(i).tally["means", "observed"].draws for i in (0, 1, 2)]), whole
    )


def test_variants_do_not_disturb_one_another(prepared: PreparedStudy, prepared_of: Prepare) -> None:
    """Each sees the same samples, and draws from the same streams whoever else is there."""
    alone = prepared_of(**{**ASKED, "variants": {"observed": {"conditioning": "observed"}}}).measure(0).tally
    together = prepared.measure(0).tally
    for key in alone:
        np.testing.assert_array_equal(alone[key].mean, together[key].mean)


def test_the_difference_is_from_the_very_sample(prepared: PreparedStudy) -> None:
    tally = prepared.measure(0).tally
    for table in ("means", "fit", "correlation"):
        sample, made = tally[table, "sample"], tally[table, "trees"]
        np.testing.assert_allclose(made.mean[-1], made.mean[0] - sample.mean[0], rtol=1e-9, atol=1e-12)
    draws = tally["means", "trees"].draws - tally["means", "sample"].draws
    np.testing.assert_allclose(tally["means", "trees"].sd[-1], draws.std(axis=0, ddof=1), rtol=1e-9)


def test_mean_coverage_is_over_all_coefficients(prepared: PreparedStudy) -> None:
    tally = prepared.measure(0).tally
    for arm in ("sample", "trees", "observed"):
        both = np.concatenate([tally[table, arm].mean[3] for table in ("fit", "other")])
        assert tally["summary", arm].mean[0, 0] == pytest.approx(both.mean(), abs=1e-12)
        assert tally["summary", arm].n[0, 0] == 3


def test_given_samples_are_used_line_by_line(prepared_of: Prepare, frame: pd.DataFrame, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    rows = rng.integers(0, len(frame), (3, len(frame)))
    path = tmp_path / "samples.csv.gz"
    pd.DataFrame(rows + 1, index=range(1, 4)).to_csv(path, header=False)
    prepared = prepared_of(replicates=3, samples=str(path), estimands=[{"means": ["x", "count"]}])
    expected = [frame.iloc[one][["x", "count"]].mean() for one in rows]
    np.testing.assert_allclose(prepared.measure(0).tally["means", "sample"].draws, expected, rtol=1e-13)
