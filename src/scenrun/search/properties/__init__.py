"""Properties of state spaces and executions: terminal states, nontermination, data races and lock-order cycles."""
