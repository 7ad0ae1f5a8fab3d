"""Run the command line: ``python -m skdeepprune``."""

import sys

from skdeepprune.cli import main

if __name__ == "__main__":
    sys.exit(main())
