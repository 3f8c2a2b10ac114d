"""The console script: ``lakewright`` and ``python -m lakewright``."""

import os
import signal
import sys

from lakewright._lakewright import main as _main


def main() -> int:
    """Runs the command line and returns its exit code."""
    # With one of the three standard descriptors closed, the next file or socket would get its
    # number, and printed text would go there. Rust's own programs open them in the same way.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # The command line handles Ctrl-C itself; Python's handler would only record the signal.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _main(["lakewright", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
