"""`python -m passk_tasks` is `passk`."""

import sys

from passk_tasks.cli import main

if __name__ == "__main__":
    sys.exit(main())
