"""The simulator: runs a program in virtual time, one step after another; the same seed gives the same log."""
