"""Many runs of one scenario: a grid of parameters, workers that run its cells, the record of the rows."""
