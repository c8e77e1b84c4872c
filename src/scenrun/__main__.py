"""`python -m scenrun`."""

from scenrun.cli import main

main()
