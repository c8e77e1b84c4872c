"""What each kind of shared object can do: one file a kind, and the register of them all."""
