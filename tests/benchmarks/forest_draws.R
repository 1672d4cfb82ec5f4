# mice's forests and trees on the samples of forest_draws.py: Rscript forest_draws.R FOLDER SAMPLES M
# Writes M draws of the missing y of each sample to mice.csv: replicate, draw, method, row, y. Needs mice, ranger, rpart.
suppressPackageStartupMessages(library(mice))
given <- commandArgs(trailingOnly = TRUE)
samples <- as.integer(given[2])
m <- as.integer(given[3])
drawn <- list()
for (replicate in seq_len(samples) - 1) {
  data <- read.csv(file.path(given[1], paste0(replicate, ".csv")))
  observed <- !is.na(data$y)
  x <- as.matrix(data[c("a", "b")])
  set.seed(replicate)
  for (method in c("rf", "cart")) {
    impute <- if (method == "rf") mice.impute.rf else mice.impute.cart
    for (draw in seq_len(m) - 1) {
      drawn[[length(drawn) + 1]] <- data.frame(replicate, draw, method = paste("mice", method),
        row = which(!observed) - 1, y = impute(data$y, observed, x))
    }
  }
}
write.csv(do.call(rbind, drawn), file.path(given[1], "mice.csv"), row.names = FALSE)
