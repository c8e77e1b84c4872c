"""What a space or an execution shows: end states, nontermination, data races, lock-order cycles."""
