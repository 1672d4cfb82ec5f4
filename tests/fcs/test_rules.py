"""Rows that keep rules: on every row of every set, whatever the settings, and without a change of distribution."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import replicant as rp
from replicant.errors import DataError, ExpressionError, RunError, SpecError
from replicant.execution.backend import Backend
from replicant.methods.linear import Regression
from replicant.run.job import run_job
from replicant.spec.load import parse_job

CANARY = "Zanzibar-7741"

RULES = (
    "if sex == 'male': pregnant = 'no'",
    "if status == 'retired': age >= 60",
    "16 <= age <= 90",
    "birth + 5000 days <= marriage",
    "if status == 'none': income is missing",
    "city within region",
    "total == a + b",
    "status in ('retired', 'work', 'student', 'none')",
)


def people(n: int = 800, seed: int = 1) -> pd.DataFrame:
    """A table that keeps `RULES`."""
    rng = np.random.default_rng(seed)
    age, sex = rng.integers(16, 91, n), rng.choice(["male", "female"], n)
    young, old = rng.choice(["work", "student", "none"], n), rng.choice(["retired", "work"], n)
    status = np.where(age >= 60, old, young)
    income = np.round(rng.lognormal(7, 1, n), 1)
    income[(status == "none") | (rng.random(n) < 0.1)] = np.nan
    birth = pd.Timestamp("2020-01-01") - pd.to_timedelta(age * 365 + rng.integers(0, 365, n), unit="D")
    city = rng.choice(list("abcdefgh"), n)
    frame = pd.DataFrame(
        {
            "age": age,
            "sex": sex,
            "status": status,
            "pregnant": np.where((sex == "female") & (age < 50) & (rng.random(n) < 0.2), "yes", "no"),
            "income": income,
            "birth": birth,
            "marriage": birth + pd.to_timedelta(rng.integers(5840, 9000, n), unit="D"),
            "city": city,
            "region": np.where(np.isin(city, list("abc")), "N", np.where(np.isin(city, list("def")), "S", "W")),
            "a": rng.integers(0, 30, n),
            "b": rng.integers(0, 30, n),
        }
    )
    frame["total"] = frame.a + frame.b
    return frame


def broken(sets: Any, real: pd.DataFrame) -> dict[str, int]:
    """How many rows break `RULES`, by pandas."""
    pairs = set(real.city.astype(str) + real.region.astype(str))
    counts: dict[str, int] = {}
    for d in sets:
        status = d.status.astype(str)
        found = {
            "pregnant": (d.sex.astype(str) == "male") & (d.pregnant.astype(str) != "no"),
            "retired": (status == "retired") & (d.age < 60),
            "age": (d.age < 16) | (d.age > 90),
            "marriage": d.birth + pd.Timedelta(days=5000) > d.marriage,
            "income": (status == "none") & d.income.notna(),
            "city": ~(d.city.astype(str) + d.region.astype(str)).isin(pairs),
            "total": d.total != d.a + d.b,
        }
        counts = {name: counts.get(name, 0) + int(rows.sum()) for name, rows in found.items()}
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize(
    "given_settings",
    [
        {},
        {"visit_sequence": "table"},
        {"conditioning": "observed"},
        {"conditioning": "observed", "exclude_self": True, "donors": "distinct"},
        {"donors": "distinct", "splits": "rpart", "leaf_weights": "equal", "minbucket": 5},
        {"proper": True},
        {"fits": "shared"},
        {"partition_rows": 200},
        {"strata": "sex"},
        {"passive": {"total": "a + b"}},
        {"method": {"age": "norm", "a": "pmm", "status": "polyreg"}},
        {"where": ["status == 'retired'", "age > 50", "income > 500"]},
        {"k": 300},
        {"canaries": 10},
        {"min_donors": 20},
        {"missing": "impute", "imputation": {"missing": {"income": {"when": "status == 'none'", "as": "keep"}}}},
    ],
    ids=str,
)
def test_every_row_of_every_set_keeps_every_rule(given_settings: dict[str, Any]) -> None:
    real = people()
    assert not broken([real], real)
    plain = rp.synthesize(real, m=2, seed=3, **given_settings)
    assert broken(plain, real) or {"where", "passive"} & set(given_settings)  # the rules have something to do
    syn = rp.synthesize(real, m=2, seed=3, rules=RULES, **given_settings)
    assert not broken(syn, real)
    assert [event.code for event in syn.events].count("rules_kept") == 1


def test_chosen_cells_keep_rules_with_the_cells_that_stay() -> None:
    real = people()
    real.loc[real.index[:5], "pregnant"] = "yes"
    real.loc[real.index[:5], "sex"] = "male"  # broken as observed, and left so
    syn = rp.synthesize(real, m=2, seed=3, rules=RULES, where={"age": "age > 60", "status": "age > 0"})
    for one in syn:
        assert broken([one], real) == {"pregnant": 5}
    assert "5 of 800 observed rows break rule 1" in str(syn.plan)


def test_a_release_in_partitions_keeps_the_rules_and_says_so(tmp_path: Any) -> None:
    real = people(1200)
    real.to_parquet(tmp_path / "real.parquet")
    job = {
        "input": {"path": str(tmp_path / "real.parquet")},
        "synthesis": {"m": 2, "seed": 1, "rules": list(RULES), "partition_rows": 100},
        "output": {"path": str(tmp_path / "release")},
    }
    result = run_job(parse_job(json.dumps(job)), Backend(threads=2))
    assert not broken(rp.read_release(tmp_path / "release"), real)
    [event] = [event for event in result.events if event.code == "rules_kept"]
    assert "2,400 synthetic rows: none is broken" in event.message


def test_a_rule_that_one_donor_of_a_hundred_keeps() -> None:
    rng = np.random.default_rng(0)
    n = 2000
    real = pd.DataFrame({"x": rng.normal(0, 1, n).round(3), "g": rng.choice(list("abcd"), n)})
    real["y"] = (real.x + rng.normal(0, 1, n)).round(3)
    syn = rp.synthesize(real, m=2, seed=1, rules=["y > x + 2.3"])
    assert 0.005 < (real.y > real.x + 2.3).mean() < 0.02
    assert all((one.y > one.x + 2.3).all() for one in syn)


def test_a_restricted_draw_is_that_of_rejected_rows() -> None:
    """Where real rows keep the rule, rows drawn by it are distributed as those that are left of a plain synthesis."""
    rng = np.random.default_rng(5)
    n = 4000
    x = rng.normal(0, 1, n)
    real = pd.DataFrame({"x": x.round(2), "y": (x + np.abs(rng.normal(0, 0.4, n))).round(2)})
    real["z"] = (real.y - real.x + rng.normal(0, 1, n)).round(2)
    ruled = pd.concat(list(rp.synthesize(real, m=4, seed=1, rules=["x <= y"])))
    plain = pd.concat(list(rp.synthesize(real, m=4, seed=2)))
    kept = plain[plain.x <= plain.y]
    assert 0.01 < 1 - len(kept) / len(plain) < 0.2
    edges = {name: np.quantile(real[name], [0.25, 0.5, 0.75]) for name in real}
    groups = [sum(np.searchsorted(edges[c], d[c]) * 4**i for i, c in enumerate("xyz")) for d in (ruled, kept)]
    counts = np.array([np.bincount(one, minlength=64) for one in groups])
    counts = counts[:, counts.sum(axis=0) >= 20]
    # Sets of one table vary more than independent rows: as much as two halves of the plain sets do.
    statistic = stats.chi2_contingency(counts).statistic / (counts.shape[1] - 1)
    assert statistic < 2.5
    for name in real:
        difference = ruled[name].mean() - kept[name].mean()
        assert abs(difference) < 4 * real[name].std() * np.sqrt(2 / n)
    apart = np.abs(np.corrcoef(ruled.T.to_numpy()) - np.corrcoef(real.T.to_numpy()))
    assert apart.max() < 4 / np.sqrt(n)


def test_missing_cells_are_as_many_with_a_rule_on_values() -> None:
    real = people(3000)
    real["limit"] = real.income.fillna(500) * np.random.default_rng(1).uniform(1, 2, len(real)).round(2)
    syn = rp.synthesize(real, m=4, seed=1, rules=["income <= limit"])
    shares = [one.income.isna().mean() for one in syn]
    share = real.income.isna().mean()
    assert abs(np.mean(shares) - share) < 4 * np.sqrt(share * (1 - share) / len(real))
    assert all((one.income.isna() | (one.income <= one.limit)).all() for one in syn)


def test_nothing_is_learnt_from_rows_that_break_a_rule_if_so_asked() -> None:
    real = people()
    real.loc[real.index[:40], "age"] = 700
    syn = rp.synthesize(real, m=2, seed=1, rules=["if age > 0: city in ('a','b','c','d','e','f','g','h')", "age < 900"])
    assert any((one.age == 700).any() for one in syn)
    syn = rp.synthesize(real, m=2, seed=1, rules=["age < 100"], on_violation="exclude_rows")
    assert all((one.age < 100).all() for one in syn)
    assert len(syn[0]) == 800
    with pytest.raises(DataError, match="40 of 800 rows break the rule 'age < 100'"):
        rp.synthesize(real, m=2, seed=1, rules=["age < 100"], on_violation="error")


@pytest.mark.parametrize(
    ("rules", "error", "words"),
    [
        (["agee > 3"], SpecError, "not a column.*age"),
        (["age > 3 and"], ExpressionError, "rules, number 1"),
        (["age > p99"], SpecError, "percentile"),
        (["age < 5"], SpecError, "no row of the table keeps"),
        (["age >= 50", "age < 50"], SpecError, "contradict each other"),
        (["if sex == 'male': age >= 50", "if sex == 'male': age < 50"], SpecError, "contradict each other"),
        (["sex > 3"], SpecError, "by the order of column 'sex'"),
        (["sex == 4"], SpecError, "a number beside column 'sex'"),
        (["age == 'old'"], SpecError, "compared with a number"),
        (["city + 1 > 2"], SpecError, "among numbers"),
        (["__import__('os').system('x') == 1"], ExpressionError, "rules, number 1"),
        (["(lambda: 1)() == age"], ExpressionError, "lambda"),
        (["age.__class__ == 1"], ExpressionError, "attribute"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(rules: list[str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        rp.synthesize(people(200), m=1, seed=1, rules=rules)
    assert caught.type is error or issubclass(caught.type, error)


def test_cells_that_a_rule_wants_missing_are_not_to_be_imputed() -> None:
    real = people()
    with pytest.raises(SpecError, match=r"wants 'income' missing in \d+ rows") as error:
        rp.synthesize(real, m=1, seed=1, rules=RULES, missing="impute")
    assert error.value.fix == "write imputation: {missing: {income: {when: \"status == 'none'\", as: keep}}}"
    rules = ["if status == 'work': income is not missing", "if income is missing: age > 0"]
    real = real[(real.status != "work") | real.income.notna()]
    rp.synthesize(real, m=1, seed=1, rules=rules, missing="impute")


def test_rules_of_columns_that_are_not_drawn_are_refused() -> None:
    real = people(200)
    syn = rp.synthesize(real, m=1, seed=1, rules=["age > 3"], method={"age": "keep"})
    assert "no column of rule 1 is drawn" in str(syn.plan)
    real["person"] = [f"p{i:05d}" for i in range(len(real))]
    columns = {"person": {"kind": "identifier"}}
    with pytest.raises(SpecError, match="made up"):
        rp.synthesize(
            real, m=1, seed=1, rules=["person is not missing"], method={"person": "surrogate"}, columns=columns
        )


def test_rows_that_no_record_completes_are_an_error_with_their_number() -> None:
    real = pd.DataFrame({"x": [10, 20, 30] * 100, "y": [40, 50, 60] * 100, "z": np.arange(300) % 7})
    with pytest.raises(RunError, match=r"'x \+ y == 50' in 200 of 300 rows"):
        rp.synthesize(real, m=1, seed=1, rules=["x + y == 50"], method={"x": "keep"})
    syn = rp.synthesize(real, m=1, seed=1, rules=["x + y == 50"])  # x is drawn until it has a y
    assert (syn[0].x == 10).all()


def test_seeds_are_addresses_here_too(tmp_path: Any) -> None:
    real = people()
    one = rp.synthesize(real, m=3, seed=1, rules=RULES, threads=1)
    two = rp.synthesize(real, m=3, seed=1, rules=RULES, threads=2)
    for a, b in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(a, b)


def test_no_rule_changes_no_draw() -> None:
    real = people()
    plain = rp.synthesize(real, m=2, seed=1)
    idle = rp.synthesize(real, m=2, seed=1, rules=["age >= 0"])
    for a, b in zip(plain, idle, strict=True):
        pd.testing.assert_frame_equal(a, b)


def test_texts_of_rules_stay_with_the_owner(tmp_path: Any) -> None:
    real = people()
    real["city"] = real.city.replace({"a": CANARY})
    real.to_parquet(tmp_path / "real.parquet")
    job = {
        "input": {"path": str(tmp_path / "real.parquet")},
        "columns": {"city": {"kind": "nominal"}},
        "synthesis": {"m": 1, "seed": 1, "rules": [f"if city == '{CANARY}': region == 'N'", "age > 20"]},
        "output": {"path": str(tmp_path / "release")},
    }
    result = run_job(parse_job(json.dumps(job)), Backend(threads=1))
    assert not any("city ==" in event.message for event in result.events)
    for path in (tmp_path / "release").rglob("*.json"):
        assert "city ==" not in path.read_text()


def incomes(n: int = 1500, seed: int = 1) -> pd.DataFrame:
    """A column for each kind of model, whose rules hold."""
    rng = np.random.default_rng(seed)
    tax, age = rng.integers(0, 400, n), rng.integers(18, 80, n)
    frame = pd.DataFrame(
        {
            "age": age,
            "tax": tax,
            "income": (tax + rng.lognormal(4, 1, n)).round(1),
            "start": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 2000, n), "D"),
            "grade": pd.Categorical.from_codes(
                np.clip((age - 18) // 15 + rng.integers(-1, 2, n), 0, 4), list("abcde"), ordered=True
            ),
            "work": np.where(age > 65, "no", rng.choice(["yes", "no", "some"], n)),
        }
    )
    frame["end"] = frame.start + pd.to_timedelta(rng.integers(1, 300, n), "D")
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    return frame


@pytest.mark.parametrize(
    "methods",
    [
        {"income": "lognorm", "end": "norm", "grade": "polr", "work": "polyreg"},
        {"income": "norm", "end": "norm.boot", "grade": "polyreg", "work": "lda", "tax": "sqrtnorm"},
        {"income": "cubertnorm", "end": "normrank", "grade": "lda", "tax": "norm.nob", "age": "normrank"},
    ],
    ids=str,
)
def test_models_of_distributions_draw_within_the_rules_at_once(
    methods: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without drawing a cell again: bounds at rounded numbers and dates, a rule that hardly a draw keeps, levels."""
    monkeypatch.setattr("replicant.fcs.ruled_drawing.TRIES", 3)
    rules = [
        "tax < income",
        "start < end",
        "0 <= tax <= 400",
        "if age > 65: work == 'no'",
        "if age < 33: grade <= 'c'",
        "18 <= age <= 79",
        "if work == 'some': tax > 350",
    ]
    real = incomes()
    real.loc[real.work == "some", "tax"] = 399
    real["income"] = real["income"].where(real["income"].isna() | (real["income"] > real["tax"]), real["tax"] + 0.1)
    syn = rp.synthesize(real, m=2, seed=1, method=methods, rules=rules, visit_sequence="table")
    for one in syn:
        assert (one.tax < one.income)[one.income.notna()].all()
        assert (one.start < one.end).all()
        assert one.tax.between(0, 400).all()
        assert (one.work[one.age > 65] == "no").all()
        assert (one.grade[one.age < 33] <= "c").all()
        assert one.age.between(18, 79).all()
        assert (one.tax[one.work == "some"] > 350).all()
        assert abs(one.income.isna().mean() - real.income.isna().mean()) < 0.06


def test_a_sum_that_must_hold_is_drawn_by_a_model_of_its_distribution() -> None:
    rng = np.random.default_rng(1)
    parts = rng.integers(0, 50, (1000, 2))
    real = pd.DataFrame({"a": parts[:, 0], "b": parts[:, 1] / 4, "total": parts[:, 0] + parts[:, 1] / 4})
    syn = rp.synthesize(real, m=2, seed=1, method="norm", rules=["total == a + b"])
    for one in syn:
        np.testing.assert_allclose(one.total, one.a + one.b, atol=1e-9)


@pytest.mark.parametrize("method", ["norm", "polyreg", "cart", "rf", "pmm"])
def test_a_plain_rule_leaves_what_rejection_leaves(method: str) -> None:
    """Rows by a rule against rows of a synthesis without it that keep it: the same distribution of the ruled column."""
    rng = np.random.default_rng(3)
    n = 3000
    x = rng.normal(0, 1, n).round(2)
    y: Any = (x + rng.normal(0, 1, n)).round(1)
    rule = "y >= x + 1"
    if method == "polyreg":
        y = np.array(list("abcd"))[np.clip(np.round(y + 1.5), 0, 3).astype(int)]
        rule = "if x > 0: y in ('a', 'c')"
    real = pd.DataFrame({"x": x, "y": y})
    settings = {"m": 4, "seed": 1, "method": {"x": "sample", "y": method}, "visit_sequence": "table"}
    plain = pd.concat(list(rp.synthesize(real, **settings)))
    ruled = pd.concat(list(rp.synthesize(real, rules=[rule], **settings)))
    # The rule binds at y, and chances of x stay: strata of x are compared.
    kept = plain[plain.y >= plain.x + 1] if method != "polyreg" else plain[(plain.x <= 0) | plain.y.isin(["a", "c"])]
    for low, high in ((-0.5, 0.0), (0.0, 0.5), (0.5, 1.5)):
        one, other = (frame.y[(frame.x > low) & (frame.x <= high)] for frame in (ruled, kept))
        if method == "polyreg":
            table = pd.crosstab(np.repeat([0, 1], [len(one), len(other)]), pd.concat([one, other]).to_numpy())
            assert table.shape[1] == 1 or stats.chi2_contingency(table).pvalue > 1e-4
        else:
            assert stats.ks_2samp(one, other).pvalue > 1e-4


def households(n: int = 600, seed: int = 1) -> pd.DataFrame:
    """Persons, numbered within households, with a number of their own."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"home": np.sort(rng.integers(0, n // 3, n)), "region": rng.choice(["N", "S"], n)})
    frame["person"] = frame.groupby("home").cumcount() + 1
    frame["age"] = rng.integers(0, 90, n)
    frame["number"] = rng.permutation(n)
    return frame


KINDS = {"home": {"kind": "continuous"}, "number": {"kind": "continuous"}}


@pytest.mark.parametrize(
    "given_settings",
    [
        {},
        {"visit_sequence": "table"},
        {"conditioning": "observed"},
        {"donors": "distinct", "splits": "rpart", "leaf_weights": "equal", "minbucket": 5},
        {"method": {"number": "norm", "person": "pmm"}},
        {"where": ["age > 40", "number > 100"]},
        {"k": 300},
        {"missing": "impute"},
    ],
    ids=str,
)
def test_what_may_occur_once_only_does(given_settings: dict[str, Any]) -> None:
    real = households()
    rules = ["unique(home, person)", "unique(number)", "if age < 16: person > 1", "person <= 9"]
    real.loc[(real.person == 1) & (real.age < 16), "age"] = 40
    for one in rp.synthesize(real, m=2, seed=1, rules=rules, columns=KINDS, **given_settings):
        assert not one.duplicated(["home", "person"]).any()
        assert not one.duplicated("number").any()
        assert (one.person[one.age < 16] > 1).all()


def test_cells_that_are_missing_repeat_nothing() -> None:
    real = households()
    real["number"] = real["number"].where(real["age"] > 30)
    for one in rp.synthesize(real, m=2, seed=1, rules=["unique(number)"], columns=KINDS):
        assert not one.number.dropna().duplicated().any()
        assert abs(one.number.isna().mean() - real.number.isna().mean()) < 0.08


def test_what_may_occur_once_only_is_drawn_among_what_is_left() -> None:
    """As many rows as values: every set is a permutation, and what depends on the column still does."""
    rng = np.random.default_rng(4)
    real = pd.DataFrame({"x": rng.permutation(1500)})
    real["y"] = real.x + rng.normal(0, 100, 1500).round()
    settings = {"columns": {"x": {"kind": "continuous"}}, "visit_sequence": ["y", "x"]}
    for one in rp.synthesize(real, m=2, seed=1, rules=["unique(x)"], **settings):
        assert sorted(one.x) == list(range(1500))
        assert one.corr().loc["x", "y"] > 0.9 * real.corr().loc["x", "y"]


@pytest.mark.parametrize(
    ("rule", "more", "words"),
    [
        ("unique(number)", {"partition_rows": 100}, "random partitions are drawn apart"),
        ("unique(number)", {"strata": "region"}, r"write unique\(region, number\)"),
        ("unique(region, person)", {}, "combinations of values for 600 rows"),
        ("if age > 5: unique(number)", {}, "unique"),
        ("unique(number) and age > 5", {}, "unique"),
        ("unique()", {}, "no column in `unique`"),
        ("unique(number, 'a')", {}, "no column in `unique`"),
        ("unique(nummer)", {}, "did you mean 'number'"),
    ],
)
def test_what_cannot_be_kept_unique_is_refused(rule: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises((SpecError, ExpressionError), match=words):
        rp.synthesize(households(), m=1, seed=1, rules=[rule], columns=KINDS, **more)


def test_strata_that_a_unique_rule_names_differ_by_themselves() -> None:
    real = households().sort_values("home")
    real["region"] = np.where(real.home < 100, "N", "S")
    rules = ["unique(region, number)"]
    for one in rp.synthesize(real, m=2, seed=1, rules=rules, columns=KINDS, strata="region"):
        assert not one.duplicated(["region", "number"]).any()


@pytest.mark.parametrize(
    ("passive", "rules"),
    [
        ({"stay": "discharge - admission"}, ["admission <= discharge", "stay <= 20"]),
        ({"due": "birth + 30 days"}, ["birth <= admission", "due <= discharge", "stay == discharge - admission"]),
        (
            {"discharge": "admission + stay"},
            ["discharge >= birth + 2 weeks", "0 <= stay < 25"],
        ),
        ({"stay": "discharge - admission", "due": "birth + 30 days"}, ["due - 10 days <= admission", "stay >= 1"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["cart", "norm"])
def test_computed_dates_and_durations_keep_rules(passive: dict[str, str], rules: list[str], method: str) -> None:
    rng = np.random.default_rng(2)
    n = 400
    birth = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D")
    admission = birth + pd.to_timedelta(rng.integers(20, 400, n), "D")
    stay = rng.integers(0, 30, n)
    real = pd.DataFrame({"birth": birth, "admission": admission, "stay": stay})
    real["discharge"], real["due"] = admission + pd.to_timedelta(stay, "D"), birth + pd.Timedelta(days=30)
    equal = {"stay", "discharge", "due"} if "==" in "".join(rules) else set()
    methods = {name: "cart" if name in equal else method for name in real if name not in passive}
    for one in rp.synthesize(real, m=2, seed=1, passive=passive, rules=rules, method=methods):
        day = pd.Timedelta(days=1)
        assert one.dtypes.equals(real.dtypes)
        if "stay" in passive or "stay == discharge - admission" in rules or "discharge" in passive:
            assert (one.stay == (one.discharge - one.admission).dt.days).all()
        if "due" in passive:
            assert (one.due - one.birth == 30 * day).all()
        checks = {
            "admission <= discharge": one.admission <= one.discharge,
            "stay <= 20": one.stay <= 20,
            "birth <= admission": one.birth <= one.admission,
            "due <= discharge": one.due <= one.discharge,
            "discharge >= birth + 2 weeks": one.discharge >= one.birth + 14 * day,
            "0 <= stay < 25": one.stay.between(0, 24),
            "due - 10 days <= admission": one.due - 10 * day <= one.admission,
            "stay >= 1": one.stay >= 1,
        }
        assert [rule for rule in rules if rule in checks and not checks[rule].all()] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("sex == 1", "a number beside column 'sex', none of whose 2 levels it is"),
        ("age == 'male'", "a text that is compared with a number"),
        ("pid == 'P1'", "column 'pid', which is an identifier"),
        ("unique(pid)", "names 'pid', whose values are made up"),
        ("total != a + b", "no row of the table keeps the rule"),
        ("birth + 1 month <= marriage", "which differ in length"),
        ("birth > 'yesterday'", "a text that is not a date"),
    ],
)
def test_a_rule_that_does_not_suit_says_why(rule: str, words: str) -> None:
    real = people().assign(pid=[f"P{i:06d}" for i in range(800)])
    with pytest.raises((SpecError, ExpressionError), match=words):
        rp.synthesize(real, m=1, seed=1, rules=[rule], passive={"total": "a + b"}, method={"pid": "surrogate"})


def test_rows_that_are_drawn_again_have_the_parameters_of_their_set(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    posterior = Regression.posterior
    monkeypatch.setattr(Regression, "posterior", lambda *given: drawn.append(1) or posterior(*given))
    rng = np.random.default_rng(1)
    real = pd.DataFrame({"x": rng.normal(size=300).round(2), "y": rng.normal(size=300).round(2)})
    real = real[real.x <= real.y + 1]
    list(rp.synthesize(real, m=3, seed=1, proper=True, method="norm", rules=["x <= y + 1"], threads=1))
    assert len(drawn) == 2 * 3  # columns and sets
