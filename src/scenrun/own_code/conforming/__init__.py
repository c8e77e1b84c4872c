"""Does code do only what its model can do? What stands for what, what is compared, and the runs of the model that explain it."""
