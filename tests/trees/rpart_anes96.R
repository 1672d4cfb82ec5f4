# The trees of rpart on the first 400 people of the American National Election Study of 1996 (public domain):
#   python -c "from statsmodels.datasets import anes96; anes96.load_pandas().data[:400].to_csv('anes96.csv', index=False)"
#   Rscript tests/trees/rpart_anes96.R anes96.csv > tests/trees/rpart_anes96.json
# It needs r-cran-rpart and r-cran-jsonlite; test_rpart.py reads what it wrote.
library(rpart)
library(jsonlite)

people <- read.csv(commandArgs(trailingOnly = TRUE)[1])
people <- people[c("popul", "TVnews", "selfLR", "PID", "age", "educ", "income", "vote")]
people$PID <- factor(people$PID)
people$vote <- factor(people$vote)
people$educ <- factor(people$educ, ordered = TRUE)

tree <- function(outcome, minbucket, cp) {
  method <- if (is.factor(people[[outcome]])) "class" else "anova"
  control <- rpart.control(minbucket = minbucket, cp = cp, xval = 0)
  fit <- rpart(as.formula(paste(outcome, "~ .")), people, method = method, control = control)
  node <- as.integer(row.names(fit$frame))
  splits <- fit$frame$var != "<leaf>"
  # Of each split, rpart lists the primary one, those that compete with it and the surrogates.
  first <- cumsum(c(1, 1 + fit$frame$ncompete[splits] + fit$frame$nsurrogate[splits]))[seq_len(sum(splits))]
  list(
    outcome = outcome, predictors = setdiff(names(people), outcome), method = method, minbucket = minbucket,
    minsplit = control$minsplit, cp = cp, maxdepth = control$maxdepth, n_leaves = sum(!splits),
    leaf_node = node[fit$where],
    primary_splits = data.frame(node = node[splits], improve = fit$splits[first, "improve"])
  )
}

settings <- list(c(3, 1e-8), c(10, 1e-3))
trees <- do.call(c, lapply(names(people), function(y) lapply(settings, function(s) tree(y, s[1], s[2]))))
cat(toJSON(trees, auto_unbox = TRUE, digits = NA), "\n", sep = "")
