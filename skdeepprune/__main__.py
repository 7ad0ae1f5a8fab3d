"""Run the command line: ``python -m skdeepprune``."""

import sys


def main() -> int:
    """Load the command line, which takes a few seconds, and run it."""
    try:
        from skdeepprune.cli import main as run
    except KeyboardInterrupt:
        print("skdeepprune: interrupted", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
