"""Processes of this machine, clusters, and the memory of this process; independent of the jobs that run there."""
