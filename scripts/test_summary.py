"""Prints how many tests passed, failed and were skipped, and why, from logs of test runs.

``test_summary.py NAME=LOG...``, where a log holds what cargo or pytest printed. A run that
ended before its closing line has no result.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

OUTCOMES = ("passed", "failed", "skipped")

CARGO_RESULT = re.compile(r"^test result: \S+\. (\d+) passed; (\d+) failed; (\d+) ignored;", re.M)
# The built-in harness writes `ignored, REASON`, the one of the end-to-end tests
# `[KIND] NAME ... ignored (REASON)`.
CARGO_SKIP = re.compile(r"^test (?:\[(\w+)\])? *(.+?) +\.\.\. ignored(?:, (.+)| \((.+)\))?$", re.M)

PYTEST_RESULT = re.compile(r"^=+ (.*\d+ \w+.*) in [\d.]+s.* =+$", re.M)
PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error)")
PYTEST_SKIP = re.compile(r"^SKIPPED \[(\d+)\] (\S+?)(?::\d+)?: (.+)$", re.M)


def counts(log: str) -> Counter[str] | None:
    """The number of tests by outcome; nothing if no run in the log came to its end."""
    total: Counter[str] = Counter()
    for numbers in CARGO_RESULT.findall(log):
        total.update(dict(zip(OUTCOMES, map(int, numbers), strict=True)))
    for line in PYTEST_RESULT.findall(log):
        for number, outcome in PYTEST_COUNT.findall(line):
            total["failed" if outcome == "error" else outcome] += int(number)
    return total or None


def skips(log: str) -> list[str]:
    """The skipped tests, each with its reason."""
    cargo = [
        f"{name}: {comma or brackets or kind or 'no reason given'}"
        for kind, name, comma, brackets in CARGO_SKIP.findall(log)
    ]
    pytest = [f"{file} ({number}): {reason}" for number, file, reason in PYTEST_SKIP.findall(log)]
    return cargo + pytest


def main(arguments: list[str]) -> None:
    """Prints a line for each name, and the reasons of skips below."""
    logs = [(name, Path(path).read_text()) for name, path in (a.split("=", 1) for a in arguments)]
    for name, log in logs:
        for skip in skips(log):
            print(f"skipped  {name:<7} {skip}")
    for name, log in logs:
        found = counts(log)
        line = ", ".join(f"{found[outcome]} {outcome}" for outcome in OUTCOMES) if found else None
        print(f"{name:<8} {line or 'no result'}")


if __name__ == "__main__":
    main(sys.argv[1:])
