"""Start the command line by `python -m dedupe`."""

from dedupe.cli import main

main()
