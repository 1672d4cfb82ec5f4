# Times R's mice on one table: Rscript mice_times.R JOB.json
# JOB: {"data": "table.csv", "levels": {"column": [..]}, "ordered": ["column"], "m": 5, "minbucket": 3, "cp": 1e-8,
#       "repeats": 3, "bmi": true}
# Prints one line of JSON: mice's version and the seconds of every repetition, synthesis only (no reading, no writing).
suppressPackageStartupMessages({
  library(jsonlite)
  library(mice)
})
job <- fromJSON(commandArgs(trailingOnly = TRUE)[1])
table <- read.csv(job$data, stringsAsFactors = FALSE)
for (column in names(job$levels)) {
  table[[column]] <- factor(table[[column]], levels = job$levels[[column]], ordered = column %in% job$ordered)
}

settings <- list(
  data = table, m = job$m, maxit = 1, method = "cart", where = make.where(table, "all"),
  minbucket = job$minbucket, cp = job$cp, printFlag = FALSE,
  predictorMatrix = make.predictorMatrix(table), post = make.post(table)
)
if (isTRUE(job$bmi)) {
  # The paper's recipe: hgt and wgt are not predicted from bmi, and bmi follows from the two synthetic columns.
  settings$predictorMatrix[c("hgt", "wgt"), "bmi"] <- 0
  settings$post["bmi"] <- "imp[[j]][, i] <- imp$wgt[, i] / (imp$hgt[, i] / 100)^2"
}

seconds <- vapply(
  seq_len(job$repeats),
  function(seed) unname(system.time(do.call(mice, c(settings, list(seed = seed))))["elapsed"]),
  numeric(1)
)
cat(toJSON(list(version = as.character(packageVersion("mice")), seconds = seconds), auto_unbox = TRUE, digits = 6))
