"""The compiled form of a scenario and its semantics: instructions, values, primitives, findings and results."""
