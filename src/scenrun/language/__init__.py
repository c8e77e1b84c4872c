"""What a scenario file may say: YAML with places, verbs, primitives, expressions, durations, and every error of a file."""
