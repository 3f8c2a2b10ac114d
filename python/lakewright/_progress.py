"""The progress bar behind ``progress=True``."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Protocol


class Bar(Protocol):
    """A bar that is called with the bytes moved so far, and closed when the transfer ends."""

    def __call__(self, done: int, total: int | None) -> None: ...

    def close(self) -> None: ...


def bar() -> Bar:
    """Returns a bar of tqdm where that is installed, otherwise one line on stderr."""
    try:
        return _Tqdm(importlib.import_module("tqdm.auto").tqdm)
    except ImportError:
        return _Line()


class _Tqdm:
    def __init__(self, tqdm: Any) -> None:
        self.tqdm = tqdm
        self.shown: Any = None

    def __call__(self, done: int, total: int | None) -> None:
        if self.shown is None:
            self.shown = self.tqdm(total=total, unit="B", unit_scale=True)
        self.shown.update(done - self.shown.n)

    def close(self) -> None:
        if self.shown is not None:
            self.shown.close()


class _Line:
    def __init__(self) -> None:
        self.shown = False

    def __call__(self, done: int, total: int | None) -> None:
        mib = 1 << 20
        of = "" if total is None else f" / {total / mib:.1f}"
        print(f"\r{done / mib:.1f}{of} MiB", end="", file=sys.stderr, flush=True)
        self.shown = True

    def close(self) -> None:
        if self.shown:
            print(file=sys.stderr, flush=True)
