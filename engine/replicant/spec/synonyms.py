"""What settings are called elsewhere, for hints: the words of R's packages, of pandas, of textbooks.

A word leads to a sentence that says what to write instead, or that there is no such thing here. None of them is
accepted for ours: one thing has one name.
"""

from __future__ import annotations

__all__ = ["instead", "key_instead"]

_METHODS = {
    **dict.fromkeys(
        ("rpart", "tree", "trees", "decision_tree", "decisiontree", "cart_bb", "class"),
        "write cart: a tree for every column",
    ),
    **dict.fromkeys(
        ("ranger", "randomforest", "random_forest", "forest", "bag", "xgboost", "xgb", "gbm", "lightgbm"),
        "write rf: a forest of bootstrapped trees",
    ),
    **dict.fromkeys(
        ("normal", "gaussian", "linear", "lm", "ols", "glm", "lasso", "lasso.norm", "parametric", "bayesian"),
        "write norm for numbers, logreg for two levels, polyreg for more, polr for levels in order",
    ),
    **dict.fromkeys(
        ("norm.predict", "regression"),
        "a prediction without a residual takes away the spread: write norm, or norm.nob for parameters as estimated",
    ),
    **dict.fromkeys(
        ("logit", "logistic", "logreg.boot", "lasso.logreg", "binomial"), "write logreg: a logistic regression"
    ),
    **dict.fromkeys(("multinom", "multinomial", "softmax", "mlogit"), "write polyreg: a multinomial regression"),
    **dict.fromkeys(("ordinal", "ologit", "probit", "clm"), "write polr: proportional odds of levels in order"),
    **dict.fromkeys(
        ("poisson", "negbin", "quasipoisson"), "a count keeps its distribution by pmm or cart: write one of these"
    ),
    **dict.fromkeys(("survctree", "surv.ctree", "cox"), "write survival: a time and its event, drawn together"),
    **dict.fromkeys(
        ("hotdeck", "hot_deck", "knn", "nearest", "donor", "matching", "predictive_mean_matching"),
        "write pmm: the value of a row with a near prediction; cart draws donors from the leaf of a tree",
    ),
    **dict.fromkeys(
        ("random", "bootstrap", "marginal", "srs", "resample", "permute", "shuffle", "independent"),
        "write sample: values drawn without a look at other columns",
    ),
    **dict.fromkeys(
        ("none", "", "fixed", "identity", "real", "observed", "original", "unchanged", "no"),
        "write keep: the column stays as observed, in the observed rows",
    ),
    **dict.fromkeys(
        ("median", "mode", "locf", "constant", "zero", "interpolate"),
        "one value for all cells takes away the spread: write cart or sample, or mean for a comparison",
    ),
    **dict.fromkeys(
        (
            "gan",
            "ctgan",
            "tvae",
            "vae",
            "copula",
            "gaussian_copula",
            "diffusion",
            "bayes",
            "bayesian_network",
            "privbayes",
            "llm",
        ),
        "there are no generative models of whole rows here: write cart",
    ),
    "derived": 'write the expression under passive: {bmi: "wgt / (hgt / 100)**2"}',
}
_CONDITIONING = {
    **dict.fromkeys(
        ("sequential", "synthpop", "chained", "previous", "synthesised", "synthesized", "syn"), "write synthetic"
    ),
    **dict.fromkeys(("real", "original", "mice", "data", "fcs", "true", "actual"), "write observed"),
}
_MISSING = {
    **dict.fromkeys(
        ("imputed", "imputation", "fill", "filled", "mice", "fcs", "complete", "syn.mis"),
        "write impute: each set is drawn from a table that a chain of its own has completed",
    ),
    **dict.fromkeys(
        ("drop", "omit", "remove", "delete", "dropna", "na.omit", "exclude", "listwise"),
        "write keep or impute, or take the rows out of the table before",
    ),
    **dict.fromkeys(("retain", "preserve", "synthesize", "synthesise", "property"), "write keep"),
}
_FITS = {
    **dict.fromkeys(("each", "separate", "individual", "independent", "per_imputation", "m"), "write own"),
    **dict.fromkeys(("same", "one", "common", "single", "once", "joint"), "write shared"),
}
_CLASS_RISK = {
    **dict.fromkeys(("entropy", "information", "deviance", "log_loss"), "write gini: there is no other impurity"),
    **dict.fromkeys(("misclassification", "error", "accuracy", "rpart", "zero_one"), "write misclassified"),
}
_SPLITS = {
    **dict.fromkeys(("unbiased", "adjusted", "guide", "ctree", "conditional", "honest"), "write corrected"),
    **dict.fromkeys(("cart", "raw", "plain", "exhaustive", "best", "uncorrected"), "write rpart"),
}
_LEAF_WEIGHTS = {
    **dict.fromkeys(("uniform", "none", "any", "same", "unweighted", "rpart"), "write equal"),
    **dict.fromkeys(("calibrated", "calibration", "linear", "ridge", "weighted", "model"), "write regression"),
}
_DONORS = {
    **dict.fromkeys(("unique", "different", "once", "one", "exclusive"), "write distinct"),
    **dict.fromkeys(("all", "free", "unlimited", "repeated"), "write any"),
}
_MODELS = {
    **dict.fromkeys(
        ("lm", "linear", "linear_regression", "regression", "reg", "regress", "gaussian", "anova", "aov"), "write ols"
    ),
    "wls": "write ols, with weights",
    **dict.fromkeys(
        ("logistic", "logistic_regression", "binomial", "binary", "logitreg", "glm.logit"),
        "write logit",
    ),
    "glm": "write the family's name: logit, probit, poisson, gamma or negbin; ols for a normal one",
    **dict.fromkeys(
        ("ologit", "ordinal", "ordered", "clm", "proportional_odds", "cumulative", "plum", "oprobit"), "write polr"
    ),
    **dict.fromkeys(
        ("mlogit", "multinom", "multinomial_logit", "polytomous", "nomreg", "softmax"), "write multinomial"
    ),
    **dict.fromkeys(("nb", "glm.nb", "nbreg", "negative_binomial", "negbinomial"), "write negbin"),
    **dict.fromkeys(("count", "loglinear", "log-linear"), "write poisson"),
    **dict.fromkeys(("cox", "coxph", "stcox", "survival", "coxreg"), "write phreg"),
    **dict.fromkeys(("rq", "qreg", "quantile", "median_regression"), "write quantreg"),
    **dict.fromkeys(("lmer", "lme", "mixed", "multilevel", "hierarchical", "xtmixed", "glmer"), "write mixedlm"),
    **dict.fromkeys(("robust", "rreg"), "write rlm; robust standard errors are the option cov"),
}
_RULES = {
    **dict.fromkeys(("rubin", "mi", "mice", "barnard-rubin", "barnardrubin"), "write rubin1987"),
    **dict.fromkeys(("reiter", "synthetic", "partial", "partially_synthetic", "pool.syn"), "write reiter2003"),
    **dict.fromkeys(("raghunathan", "full", "fully_synthetic", "raghu"), "write raghunathan2003"),
    **dict.fromkeys(("raab", "raab2016", "synthpop", "simple"), "write raab2016_simple or raab2016_proper"),
    **dict.fromkeys(("default", "best", "automatic", "none"), "write auto"),
}
_ELSEWHERE = {
    "method": _METHODS,
    "conditioning": _CONDITIONING,
    "missing": _MISSING,
    "fits": _FITS,
    "class_risk": _CLASS_RISK,
    "splits": _SPLITS,
    "leaf_weights": _LEAF_WEIGHTS,
    "donors": _DONORS,
    "model": _MODELS,
    "rule": _RULES,
}


_KEYS: dict[str, dict[str, str]] = {
    "columns": {
        **dict.fromkeys(("type", "dtype", "class", "measure", "datatype", "data_type", "vartype"), "kind"),
        **dict.fromkeys(("values", "categories", "order", "level", "codes"), "levels"),
        **dict.fromkeys(("recode", "mapping", "map", "rename", "value_labels"), "labels"),
        **dict.fromkeys(
            ("na", "na_values", "missing", "missing_values", "missings", "cont.na", "null_values"), "missing_codes"
        ),
        **dict.fromkeys(("description", "title", "variable_label", "text"), "label"),
        **dict.fromkeys(("digits", "round", "precision", "places"), "decimals"),
        **dict.fromkeys(("from", "name", "column", "raw"), "source"),
    },
    "synthesis": {
        **dict.fromkeys(("imputations", "sets", "copies", "n_imputations", "number"), "m"),
        **dict.fromkeys(("n", "rows", "size", "nrow", "n_rows", "sample_size"), "k"),
        **dict.fromkeys(("random_state", "random_seed", "rng"), "seed"),
        **dict.fromkeys(("methods", "model", "default_method", "defaultmethod"), "method"),
        **dict.fromkeys(("order", "sequence", "visit", "visitsequence", "visit.sequence"), "visit_sequence"),
        **dict.fromkeys(("predictor_matrix", "predictormatrix", "predictor.matrix", "predictor"), "predictors"),
        **dict.fromkeys(("derived", "computed", "formula", "formulas", "expressions"), "passive"),
        **dict.fromkeys(("stratify", "groups", "group", "by"), "strata"),
        **dict.fromkeys(("min_samples_leaf", "min_leaf", "minleaf", "min_bucket"), "minbucket"),
        **dict.fromkeys(("min_samples_split", "min_split"), "minsplit"),
        **dict.fromkeys(("max_depth", "depth"), "maxdepth"),
        **dict.fromkeys(("cells", "replace", "mask"), "where"),
        **dict.fromkeys(("rule", "constraint", "constraints", "edits", "edit_rules", "checks", "post"), "rules"),
        **dict.fromkeys(("chunksize", "chunk_size", "chunks", "blocksize", "batch_size"), "partition_rows"),
    },
    "imputation": {
        **dict.fromkeys(("imputations", "sets", "copies", "n_imputations", "number"), "m"),
        **dict.fromkeys(("iterations", "iter", "niter", "n_iter", "max_iter", "iteration", "burnin"), "maxit"),
        **dict.fromkeys(("random_state", "random_seed", "rng"), "seed"),
        **dict.fromkeys(("methods", "model", "default_method", "defaultmethod", "meth"), "method"),
        **dict.fromkeys(("order", "sequence", "visit", "visitsequence"), "visit_sequence"),
        **dict.fromkeys(("predictor_matrix", "predictormatrix", "predictor", "pred"), "predictors"),
        **dict.fromkeys(("derived", "computed", "formula", "formulas", "expressions"), "passive"),
        **dict.fromkeys(("post", "shift", "offset", "mnar", "sensitivity"), "delta"),
        **dict.fromkeys(("skip", "skips", "not_applicable", "keep", "structural"), "missing"),
        **dict.fromkeys(("groups", "group", "clusters", "level2", "random"), "cluster"),
        **dict.fromkeys(("cells", "mask"), "where"),
    },
    "input": {
        **dict.fromkeys(("file", "data", "url", "uri", "filename", "source", "location", "folder", "table"), "path"),
        **dict.fromkeys(("usecols", "variables", "select", "vars", "cols", "keep"), "columns"),
        **dict.fromkeys(("sep", "separator", "delim"), "delimiter"),
        **dict.fromkeys(("dec", "decimal_mark", "decimal_point", "decimal_separator"), "decimal"),
        **dict.fromkeys(("thousands_separator", "big_mark", "grouping"), "thousands"),
        **dict.fromkeys(("charset", "codepage", "code_page", "fileencoding"), "encoding"),
        **dict.fromkeys(("na", "missing", "null_values", "na_strings", "nulls"), "na_values"),
        **dict.fromkeys(("quotechar", "quote_char", "quotes"), "quote"),
        **dict.fromkeys(("sheet_name", "worksheet", "tab"), "sheet"),
        **dict.fromkeys(("dtype", "dtypes", "schema", "col_types", "coltypes", "kinds"), "types"),
        **dict.fromkeys(("dateformat", "dates", "parse_dates"), "date_format"),
    },
    "output": {
        **dict.fromkeys(("folder", "dir", "directory", "file", "url", "uri", "release", "location", "target"), "path"),
        **dict.fromkeys(("scripts", "code", "syntax"), "helpers"),
    },
    "": {
        **dict.fromkeys(("data", "source", "table", "file"), "input"),
        **dict.fromkeys(("release", "target", "out", "result"), "output"),
        **dict.fromkeys(("codebook", "variables", "schema", "fields", "cols", "types"), "columns"),
        **dict.fromkeys(("settings", "options", "config", "synthesize", "synthesise", "syn"), "synthesis"),
        **dict.fromkeys(("impute", "imputations", "mice", "fcs", "mi"), "imputation"),
        **dict.fromkeys(("simulation", "bootstrap"), "study"),
    },
}


def key_instead(section: str, key: str) -> str | None:
    """The key of a section that is called otherwise elsewhere; None if that is not known.

    Parameters
    ----------
    section
        `columns` (what is said of one column), `synthesis`, `imputation`, `input`, `output`, or an empty text for the
        job.
    key
        What the user wrote.
    """
    return _KEYS.get(section, {}).get(key.strip().lower())


def instead(setting: str, word: object) -> str | None:
    """What to write for a word of elsewhere; None if it is not known.

    Parameters
    ----------
    setting
        `method`, `conditioning`, `missing`, `fits`, `class_risk`, `splits`, `leaf_weights`, `donors`, `model` or
        `rule`.
    word
        What the user wrote.
    """
    return _ELSEWHERE.get(setting, {}).get(word.strip().lower().replace(" ", "_")) if isinstance(word, str) else None
