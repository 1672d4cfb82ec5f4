# Times R's mice on one table: Rscript mice_times.R JOB.json
# JOB: {"data": "table.csv", "levels": {"column": [..]}, "ordered": ["column"], "m": 5, "bmi": true}, and for a synthesis
#       {"minbucket": 3, "cp": 1e-8}, for an imputation {"maxit": 7, "method": "cart"} (no method: mice's defaults).
# Prints mice's version, then the seconds of one call for every line that comes in: mice alone, no reading, no writing.
suppressPackageStartupMessages({
  library(jsonlite)
  library(mice)
})
job <- fromJSON(commandArgs(trailingOnly = TRUE)[1])
table <- read.csv(job$data, stringsAsFactors = FALSE, na.strings = "")
for (column in names(job$levels)) {
  table[[column]] <- factor(table[[column]], levels = job$levels[[column]], ordered = column %in% job$ordered)
}

settings <- list(data = table, m = job$m, printFlag = FALSE)
if (is.null(job$maxit)) {
  settings <- c(settings, list(
    maxit = 1, method = "cart", where = make.where(table, "all"), minbucket = job$minbucket, cp = job$cp
  ))
  if (isTRUE(job$bmi)) {
    # The paper's recipe: hgt and wgt are not predicted from bmi, and bmi follows from the two synthetic columns.
    settings$predictorMatrix <- make.predictorMatrix(table)
    settings$predictorMatrix[c("hgt", "wgt"), "bmi"] <- 0
    settings$post <- make.post(table)
    settings$post["bmi"] <- "imp[[j]][, i] <- imp$wgt[, i] / (imp$hgt[, i] / 100)^2"
  }
} else {
  settings$maxit <- job$maxit
  settings$method <- job$method # NULL: the default of each kind of column
}

cat(as.character(packageVersion("mice")), "\n")
flush(stdout())
asked <- file("stdin", "r")
seed <- 0
while (length(readLines(asked, 1))) {
  seed <- seed + 1
  cat(system.time(suppressWarnings(do.call(mice, c(settings, list(seed = seed)))))["elapsed"], "\n")
  flush(stdout())
}
