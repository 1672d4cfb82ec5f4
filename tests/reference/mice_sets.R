# Sets of a made-up table by mice 3.15: `Rscript mice_sets.R mice_sets.csv`. Column `set`: 0 the real rows, -1 rows that
# were held out, 1 and 2 what mice made of the real ones.
library(mice)
set.seed(17)
n <- 400
age <- sample(18:90, n, replace = TRUE)
region <- factor(sample(c("north", "south", "east"), n, replace = TRUE, prob = c(5, 3, 2)))
works <- factor(ifelse(runif(n) < plogis(3 - age / 20), "yes", "no"))
income <- round(exp(6 + 0.6 * (works == "yes") + rnorm(n, 0, 0.4) + age / 200))
hours <- ifelse(works == "yes", pmin(60, pmax(4, round(rnorm(n, 34, 9)))), 0)
people <- data.frame(age, region, works, income, hours)
people$income[sample(n, 20)] <- NA

real <- people[1:250, ]
made <- mice(real, m = 2, maxit = 1, method = "cart", where = matrix(TRUE, 250, 5), seed = 1, printFlag = FALSE)
sets <- rbind(cbind(set = 0, real), cbind(set = -1, people[251:n, ]), cbind(set = 1, complete(made, 1)),
              cbind(set = 2, complete(made, 2)))
write.csv(sets, commandArgs(TRUE)[1], row.names = FALSE, quote = FALSE)
