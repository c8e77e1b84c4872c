"""What a scenario compiles to, and what each step of it means: instructions, values, primitives, findings, results."""
