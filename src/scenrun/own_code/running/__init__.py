"""Runs threads one at a time, up to their next steps: the execution, its primitives, and which accesses no step orders."""
