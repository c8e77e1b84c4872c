"""Which thread of a simulation moves next: one policy a file, and the register of them."""
