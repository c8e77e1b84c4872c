"""`python -m scenrun`."""

from scenrun.interface.cli import main

main()
