"""What can be done to each kind of shared object: one file a kind, and the register of them all."""
