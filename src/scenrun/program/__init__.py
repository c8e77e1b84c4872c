"""What a scenario compiles to, and what a step means: instructions, values, exceptions, findings, results, verdicts."""
