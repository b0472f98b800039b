"""Readers of the file formats in which the paper's data sets come; none runs anything that a file says."""
