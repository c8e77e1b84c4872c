"""A scenario as one plain Python script, as a colleague would have written it: no scenrun in it."""
