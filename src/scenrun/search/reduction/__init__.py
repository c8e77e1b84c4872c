"""Reduction of the state space without loss of findings: persistent sets of threads, and symmetry between replicas."""
