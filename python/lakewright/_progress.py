"""The progress bar behind ``progress=True``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any


def bar() -> Callable[[int, int | None], None]:
    """tqdm's bar where it is installed, otherwise one line on stderr."""
    try:
        tqdm: Any = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return _plain

    shown: Any = None

    def tell(done: int, total: int | None) -> None:
        nonlocal shown
        if shown is None:
            shown = tqdm(total=total, unit="B", unit_scale=True)
        shown.update(done - shown.n)
        if done == total:
            shown.close()

    return tell


def _plain(done: int, total: int | None) -> None:
    mib = 1 << 20
    if total is None:
        print(f"\r{done / mib:.1f} MiB", end="", file=sys.stderr, flush=True)
        return
    end = "\n" if done >= total else ""
    print(f"\r{done / mib:.1f} / {total / mib:.1f} MiB", end=end, file=sys.stderr, flush=True)
