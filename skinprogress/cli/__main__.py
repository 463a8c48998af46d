"""``python -m skinprogress.cli``."""

from skinprogress.cli.main import main

main()
