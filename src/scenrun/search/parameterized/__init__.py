"""Any number of replicas: a proof for every number at once, or a counterexample with the least number."""
