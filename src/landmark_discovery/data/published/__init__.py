"""The paper's two data sets, made from their downloads in the form that any other data set has."""
