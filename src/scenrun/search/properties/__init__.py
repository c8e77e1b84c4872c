"""What a space of states or an execution shows: bad ends, what never ends, data races, lock-order cycles."""
