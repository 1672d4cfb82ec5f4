"""Copies of the sets as files of SPSS and Stata, with the codebook in them."""
