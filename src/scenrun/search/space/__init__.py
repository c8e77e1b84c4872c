"""The space of states: packed into numbers, searched breadth first, and walked plainly as the reference."""
