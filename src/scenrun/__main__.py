"""`python -m scenrun`."""

from scenrun.interface.cli.main import main

main()
