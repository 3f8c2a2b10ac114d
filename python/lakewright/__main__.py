"""The console script: ``lakewright`` and ``python -m lakewright``."""

import os
import signal
import sys

from lakewright._lakewright import main as _main


def main() -> int:
    """Runs the command line and returns its exit code."""
    # With one of the three closed, the next file or socket would become it, and what is printed
    # would go there. Rust's own programs see to it in the same way.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # The command line ends on Ctrl-C by itself; Python's handler would only note the signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _main(["lakewright", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
