"""Sweeps: many runs of one scenario over a grid of parameters, their workers, records, tables and pages."""
