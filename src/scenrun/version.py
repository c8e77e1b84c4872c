"""The one place that says which scenrun this is."""

__version__ = "0.1.0"
