# R's mice on the samples of imputation_truth.py: Rscript imputation_truth.R FOLDER
# FOLDER holds job.json and a table for each sample, 0.csv ...; estimates.csv is written there: replicate, term,
# estimate, conf_low, conf_high of Rubin's rules. Needs jsonlite, mice, pan, ranger. In clusters, standard errors of
# least squares are those of the clusters (CR1), and the complete-data degrees of freedom are the clusters less one.
suppressPackageStartupMessages({
  library(jsonlite)
  library(mice)
})
folder <- commandArgs(trailingOnly = TRUE)[1]
job <- fromJSON(file.path(folder, "job.json"), simplifyVector = TRUE)
formula <- as.formula(job$formula)

by_cluster <- function(fit, cluster) {
  x <- model.matrix(fit)
  bread <- solve(crossprod(x))
  scores <- rowsum(x * residuals(fit), cluster)
  g <- nrow(scores)
  n <- nrow(x)
  g / (g - 1) * (n - 1) / (n - ncol(x)) * bread %*% crossprod(scores) %*% bread
}

pooled <- function(imputed, data) {
  if (job$cluster == "") {
    found <- summary(pool(with(imputed, lm(formula(job$formula)))), conf.int = TRUE)
    return(data.frame(term = found$term, estimate = found$estimate, conf_low = found$`2.5 %`, conf_high = found$`97.5 %`))
  }
  fits <- lapply(seq_len(job$m), function(i) lm(formula, complete(imputed, i)))
  q <- sapply(fits, coef)
  u <- sapply(fits, function(fit) diag(by_cluster(fit, data[[job$cluster]])))
  rows <- lapply(seq_len(nrow(q)), function(k) {
    one <- pool.scalar(q[k, ], u[k, ], n = nlevels(data[[job$cluster]]), k = 1)
    reach <- qt(0.975, one$df) * sqrt(one$t)
    data.frame(term = rownames(q)[k], estimate = one$qbar, conf_low = one$qbar - reach, conf_high = one$qbar + reach)
  })
  do.call(rbind, rows)
}

results <- list()
for (replicate in job$replicates) {
  data <- read.csv(file.path(folder, paste0(replicate, ".csv")), stringsAsFactors = TRUE, na.strings = "")
  for (name in job$ordered) data[[name]] <- factor(data[[name]], levels = job$levels, ordered = TRUE)
  method <- setNames(rep("", ncol(data)), names(data))
  method[names(job$method)] <- sub("2l.norm", "2l.pan", unlist(job$method), fixed = TRUE) # of one residual variance, as ours
  predictors <- make.predictorMatrix(data)
  two_level <- any(startsWith(unlist(job$method), "2l"))
  if (job$cluster != "") predictors[, job$cluster] <- if (two_level) -2 else 0
  seen <- data
  if (two_level) seen[[job$cluster]] <- as.integer(seen[[job$cluster]])
  imputed <- suppressWarnings(mice(seen, m = job$m, maxit = job$maxit, method = method,
    predictorMatrix = predictors, seed = replicate + 1, printFlag = FALSE))
  results[[length(results) + 1]] <- cbind(replicate = replicate, pooled(imputed, data))
}
write.csv(do.call(rbind, results), file.path(folder, "estimates.csv"), row.names = FALSE)
