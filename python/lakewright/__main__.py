"""The console script: ``lakewright`` and ``python -m lakewright``."""

import signal
import sys

from lakewright._lakewright import main as _main


def main() -> int:
    """Runs the command line and returns its exit code."""
    # The command line ends on Ctrl-C by itself; Python's handler would only note the signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _main(["lakewright", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
