"""Many runs: sweeps over parameters, and suites of scenarios as tests."""
