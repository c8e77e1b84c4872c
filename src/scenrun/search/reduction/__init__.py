"""Fewer states for the same answer: persistent sets of threads, and symmetry between replicas."""
