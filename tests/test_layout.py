"""Every module of the engine has its tests where a reader looks for them, or is listed with where they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parent
ENGINE = TESTS.parent / "engine" / "replicant"

ELSEWHERE: dict[str, str] = {
    "remedy/test_rows.py": "remedy/at_risk.py remedy/counts.py",
    "remedy/test_loop.py": "remedy/ladders.py",
    "bulk/test_run.py": """
        bulk/ledger.py bulk/plan.py bulk/result.py bulk/staleness.py bulk/tasks.py release/bulk_index.py
        run/footprint.py
    """,
    "cases/test_messages.py": "release/elsewhere.py",
    "evaluation/test_rows.py": "evaluation/schema.py",
    "evaluation/test_result.py": """
        report/evaluation_page.py report/evaluation_rows.py report/evaluation_text.py report/measures.py
    """,
    "cases/test_partitions.py": "run/partitioning.py run/slices.py",
    "cases/test_people.py": "spec/proposal.py",
    "cli/test_bulk.py": "cli/drift.py cli/verify.py run/reading.py",
    "cli/test_commands.py": "cli/help.py cli/inspect.py cli/plan.py cli/resume.py cli/run.py cli/version.py",
    "cli/test_completion.py": "cli/offers.py",
    "cli/test_convert.py": "spec/r_methods.py",
    "cli/test_log.py": "cli/main.py cli/options.py cli/usage.py",
    "cli/test_study.py": "cli/report.py",
    "cluster/test_cluster.py": "execution/address.py execution/dask_client.py",
    "cluster/test_executor.py": "execution/dask_executor.py execution/packed.py",
    "cluster/test_partitions.py": "execution/partitions.py",
    "cluster/test_private.py": "execution/scratch.py",
    "cluster/test_tls.py": "execution/tls.py",
    "cluster/test_versions.py": "execution/versions.py",
    "dossier/test_codebook.py": "dossier/ddi.py dossier/variables.py",
    "dossier/test_page.py": "dossier/pdf.py",
    "dossier/test_write.py": """
        dossier/call.py dossier/sources.py dossier/summary.py report/dossier_board.py report/dossier_page.py
        report/dossier_words.py
    """,
    "estimate/test_borrowed.py": """
        estimate/adapter.py estimate/cox.py estimate/partitions.py estimate/requests.py estimate/rows.py
    """,
    "estimate/test_describe.py": """
        estimate/confusion.py estimate/correlation.py estimate/shares.py estimate/sketch.py estimate/units.py
    """,
    "estimate/test_design.py": "estimate/contrasts.py",
    "estimate/test_discriminate.py": "estimate/discriminate_tree.py estimate/marked.py",
    "estimate/test_fit.py": """
        estimate/glm.py estimate/grounds.py estimate/links.py estimate/result.py estimate/sampling.py
    """,
    "estimate/test_formula.py": "estimate/expressions.py estimate/tokens.py estimate/variable.py",
    "estimate/test_robust.py": """
        estimate/moments.py estimate/multinomial.py estimate/newton.py estimate/ols.py estimate/polr.py
    """,
    "estimate/test_survey.py": "estimate/scores.py estimate/total.py",
    "estimate/test_terms_in_r.py": """
        estimate/calls.py estimate/coding.py estimate/columns.py estimate/estimable.py estimate/labels.py
        estimate/learned.py estimate/levels.py estimate/splines.py
    """,
    "execution/test_executor.py": "execution/processes.py execution/timing.py",
    "run/test_gated.py": "cli/gate.py run/candidate.py",
    "gate/test_call.py": """
        gate/counted.py gate/evidence.py gate/judge.py gate/limits.py gate/verdict.py report/gate_page.py
        report/gate_rows.py report/gate_text.py
    """,
    "fcs/test_chain.py": "fcs/blas.py fcs/chain_table.py fcs/completed.py",
    "fcs/test_blocks.py": "plan/blocks.py",
    "fcs/test_orders.py": "plan/orders.py",
    "fcs/test_encoding.py": "fcs/join.py",
    "fcs/test_distinct_donors.py": "fcs/account.py methods/donations.py",
    "fcs/test_fcs.py": "fcs/checked.py fcs/draw.py fcs/drawing.py fcs/fit.py fcs/imputation.py",
    "plan/test_recoding.py": "plan/merged_levels.py plan/moved_records.py plan/recodable.py spec/recodings.py",
    "table/test_coarsening.py": "table/coarsen.py",
    "fcs/test_rules.py": "fcs/ruled.py fcs/ruled_cells.py fcs/ruled_drawing.py plan/rules.py",
    "methods/test_catall.py": "methods/contingency.py",
    "methods/test_cart.py": "methods/base.py methods/donors.py methods/notes.py methods/sample.py",
    "methods/test_linear.py": "methods/factors.py",
    "methods/test_logistic.py": "methods/climbing.py methods/logreg.py methods/polyreg.py methods/two_levels.py",
    "methods/test_ctree.py": "methods/inference_tree.py",
    "methods/test_jomo.py": "methods/latent.py methods/latent_rows.py",
    "methods/test_mixed.py": "methods/mixed_linear.py",
    "methods/test_nested.py": "methods/resampling.py",
    "methods/test_norm.py": "methods/norm_boot.py methods/norm_nob.py",
    "methods/test_pmm.py": "methods/matching.py",
    "methods/test_registry.py": "methods/declaration.py methods/keep.py",
    "methods/test_transformed.py": """
        methods/cubertnorm.py methods/lognorm.py methods/mean.py
        methods/normrank.py methods/sqrtnorm.py
    """,
    "missing/test_patterns.py": "missing/cells.py",
    "plan/test_build.py": """
        plan/draft.py plan/model.py plan/names.py plan/output.py plan/passive.py plan/show.py plan/surrogates.py
        plan/where.py plan/whole.py
    """,
    "plan/test_cost.py": "plan/column.py",
    "plan/test_imputation.py": """
        plan/imputation_draft.py plan/imputed_cells.py spec/imputation.py spec/method.py
    """,
    "plan/test_seen.py": "plan/copies.py",
    "pool/test_pool.py": "pool/arrays.py pool/distributions.py pool/planning.py pool/result.py pool/transform.py",
    "release/statistical/test_copies.py": """
        release/private.py release/statistical/cells.py release/statistical/dta.py release/statistical/facts.py
        release/statistical/file.py release/statistical/sav.py release/statistical/variables.py release/workbook.py
    """,
    "release/test_arrow.py": "release/dtypes.py release/schema.py",
    "release/test_csv.py": "release/forms.py",
    "release/test_read.py": "release/sets.py",
    "release/test_scripts.py": "release/copies.py",
    "release/test_verify.py": "release/scripts/facts.py release/scripts/r.py release/scripts/stata.py",
    "release/test_write.py": "storage/folder.py storage/local.py",
    "report/test_evaluation_pictures.py": """
        report/evaluation_maps.py report/evaluation_risks.py report/evaluation_shapes.py
    """,
    "report/test_bulk_page.py": "report/bulk_text.py report/drift_page.py report/drift_rows.py report/drift_text.py",
    "report/test_study_figures.py": """
        report/study_distributions.py report/study_panels.py report/study_plane.py report/study_terms.py
        report/study_view.py
    """,
    "report/test_study_page.py": "report/cells.py report/study_tables.py",
    "report/test_views.py": "report/html.py report/terminal.py report/words.py",
    "run/test_release_writer.py": "run/part_sink.py",
    "run/test_dry_run.py": "run/resumable.py",
    "run/test_ending.py": """
        run/identifiers.py run/job.py run/job_result.py run/partition_tasks.py
        run/partial_results.py run/resume.py run/source.py run/tasks.py
    """,
    "run/test_partitioned.py": "run/chunks.py",
    "synthesis/test_call.py": "events.py synthesis/result.py",
    "synthesis/test_imputing.py": "synthesis/imputation.py",
    "synthesis/test_partitioned.py": "run/held_sets.py",
    "s3/test_lease.py": "storage/lease.py",
    "s3/test_runs.py": "storage/remote.py",
    "spec/test_bulk.py": "spec/expand.py",
    "spec/test_convert.py": """
        spec/conversion.py spec/interval.py spec/r_cells.py spec/r_notes.py spec/r_predictors.py spec/r_refused.py
        spec/r_settings.py spec/r_values.py
    """,
    "spec/test_expression.py": "spec/grammar.py spec/mistakes.py spec/nodes.py spec/whitelist.py",
    "spec/test_load.py": """
        spec/defaults.py
        spec/donors.py spec/dotted.py spec/explain.py spec/input.py spec/locations.py spec/models.py spec/output.py
        spec/synonyms.py
    """,
    "spec/test_rule.py": "spec/rule_cells.py",
    "spec/test_schema.py": "spec/document.py spec/tree_settings.py",
    "spec/test_study.py": "spec/variants.py",
    "studies/test_description.py": "studies/arm.py",
    "table/statistical/test_read.py": """
        table/statistical/cells.py table/statistical/finish.py table/statistical/settle.py table/statistical/source.py
    """,
    "table/statistical/test_special.py": "table/local.py table/statistical/described.py",
    "table/suspicions/test_arithmetic.py": "table/suspicions/forms.py",
    "table/suspicions/test_derived.py": "table/loaded.py table/names.py",
    "table/suspicions/test_skips.py": "table/suspicions/model.py table/suspicions/people.py",
    "table/test_checks.py": "table/findings.py",
    "table/test_codebook.py": "table/yaml_mistakes.py",
    "table/test_dataset.py": "table/formats.py",
    "table/test_durations.py": "table/computed.py",
    "table/test_limits.py": "table/parquet.py table/reading.py table/text/marks.py",
    "table/test_read.py": "table/arrow_frame.py table/obey.py table/text/cells.py table/wishes.py",
    "table/test_scan.py": "table/digests.py table/distinct.py table/scanned.py",
    "table/test_surrogates.py": "methods/surrogate.py table/shapes.py",
    "table/test_table.py": """
        table/arrays.py table/categorical.py table/coded.py table/dtypes.py table/factor.py table/infer.py
        table/kinds.py table/numbers.py table/rounding.py table/show.py
    """,
    "table/test_times.py": "table/scans.py",
    "table/text/test_detect.py": "table/text/read.py table/text/stream.py",
    "table/workbook/test_read.py": """
        table/workbook/cells.py table/workbook/codebook.py table/workbook/sheet.py table/workbook/span.py
    """,
    "test_analysis.py": """
        analysis/comparison.py analysis/data.py analysis/discriminated.py cli/design.py cli/model_options.py
        cli/pool.py
    """,
    "test_analysis_joint.py": "analysis/analyses.py analysis/fitting.py analysis/pooling.py estimate/match.py",
    "testing/test_suite.py": """
        testing/checks.py testing/inputs.py testing/population.py testing/recovery.py testing/trial.py
    """,
    "trees/test_leaf_weights.py": "trees/design.py trees/weighted.py",
    "trees/test_grow.py": "trees/anova.py trees/gini.py trees/groups.py trees/growth.py trees/jit.py trees/streams.py",
    "trees/test_admissible.py": "ranges.py",
    "trees/test_distinct.py": "trees/repeated.py",
    "trees/test_merge.py": "methods/protection.py plan/protection.py",
    "trees/test_tree.py": "trees/apply.py",
    "utility/test_drift.py": "utility/drift_terms.py",
    "utility/test_measures.py": "utility/judge.py utility/table_figures.py",
    "summaries/test_received.py": "summaries/bins.py",
    "summaries/test_summary.py": "table/counts.py",
    "view/test_fragment.py": "studies/estimand.py",
    "view/test_plot.py": "view/intervals.py",
    "studies/test_closeness.py": "disclosure/means.py utility/means.py",
}
"""File of tests -> the modules that it tests through the functions that call them, in one of its tests at least."""

MODULES = sorted(
    str(path.relative_to(ENGINE)) for path in ENGINE.rglob("*.py") if path.stem not in {"__init__", "__main__"}
)


def mirrored(module: str) -> Path:
    """The file of tests that has the module's name, there or not."""
    path = Path(module)
    return TESTS / path.parent / f"test_{path.name}"


def test_a_module_has_a_file_of_tests_or_is_listed_with_one() -> None:
    listed = {module: tests for tests, modules in ELSEWHERE.items() for module in modules.split()}
    without = [module for module in MODULES if not mirrored(module).exists()]
    assert [module for module in without if not (TESTS / listed.get(module, "-")).is_file()] == []


def units() -> list[Path]:
    """The files that `make quick` runs."""
    named = re.search(
        r"^UNITS := \$\(addprefix tests/,(.*)\) (.*)$", (TESTS.parent / "Makefile").read_text(), re.MULTILINE
    )
    assert named is not None
    folders = [TESTS / folder for folder in named[1].split()]
    return [TESTS.parent / named[2], *(path for folder in folders for path in sorted(folder.rglob("test_*.py")))]


def test_a_quick_test_starts_no_program() -> None:
    """One that does, itself or by a function or fixture of its file, is marked `program`."""
    assert [f"{path.relative_to(TESTS)}: {name}" for path in units() for name in unmarked(path)] == []


def unmarked(path: Path) -> list[str]:
    """Tests of a file that start a program and are not marked so."""
    if "pytestmark = pytest.mark.program" in path.read_text():
        return []
    functions = {one.name: one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef)}

    def starts(function: ast.FunctionDef, above: tuple[str, ...]) -> bool:
        called = [ast.unparse(call.func) for call in ast.walk(function) if isinstance(call, ast.Call)]
        if any(name.startswith("subprocess.") or name == "in_r" for name in called):
            return True
        below = {*called, *(argument.arg for argument in function.args.args)} & functions.keys() - {*above}
        return any(starts(functions[name], (*above, name)) for name in below)

    def marks(function: ast.FunctionDef) -> str:
        return " ".join(map(ast.unparse, function.decorator_list))

    quick = [name for name, one in functions.items() if name.startswith("test_") and "mark.program" not in marks(one)]
    return [name for name in quick if starts(functions[name], (name,))]
