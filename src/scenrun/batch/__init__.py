"""Many runs of scenarios: sweeps over parameters, and suites of tests."""
