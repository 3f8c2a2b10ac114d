"""Nix, for tests that evaluate and build our modules against the stand-in for NixOS.

It needs ``nix-instantiate`` and ``nix-build``, and on ``NIX_PATH`` nixpkgs' lib as ``nixpkgs-lib``
and agenix as ``agenix``. What is missing is a visible skip, and an error where
``LAKEWRIGHT_TEST_REQUIRE`` (a list with commas) names ``nix``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIRED = set(filter(None, os.environ.get("LAKEWRIGHT_TEST_REQUIRE", "").split(",")))

# Settings of a single-user Nix, independent of the machine's configuration. Binary caches are off,
# because no cache has these builds.
SETTINGS = """
experimental-features = nix-command flakes
build-users-group =
sandbox = false
substitute = false
"""


@dataclass(frozen=True)
class Nix:
    """Evaluates and builds Nix expressions; paths in them are relative to the project."""

    def run(self, *command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Runs a command and returns its result."""
        environment = os.environ | {"NIX_CONFIG": SETTINGS + os.environ.get("NIX_CONFIG", "")}
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )

    def value(self, expression: str) -> object:
        """Returns the value of an expression. Sources that it refers to are then in the store."""
        done = self.run(
            *("nix-instantiate", "--eval", "--strict", "--json", "--read-write-mode"),
            *("--expr", expression),
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refusal(self, expression: str) -> str:
        """Returns the error of an expression that cannot be evaluated."""
        done = self.run("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression)
        assert done.returncode != 0, f"it was evaluated: {done.stdout}"
        return done.stderr

    def build(self, expression: str) -> Path:
        """Builds a derivation and returns its store path."""
        done = self.run("nix-build", "--no-out-link", "--expr", expression)
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.split()[-1])

    def failed_build(self, expression: str) -> str:
        """Returns the error message of a failing build."""
        done = self.run("nix-build", "--no-out-link", "--expr", expression)
        assert done.returncode != 0, f"it was built: {done.stdout}"
        return done.stderr


def copy_of_the_repository(target: Path) -> Path:
    """Returns a copy of the repository that a test may change."""
    made = (".git", ".venv", "target", "dist", "*.so", "__pycache__", ".*_cache", ".hypothesis")
    return shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*made))


def missing_requirement() -> str | None:
    """Returns why Nix cannot be used here, or None."""
    absent = [tool for tool in ("nix-instantiate", "nix-build") if not shutil.which(tool)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    names = {entry.partition("=")[0] for entry in os.environ.get("NIX_PATH", "").split(":")}
    absent = [name for name in ("nixpkgs-lib", "agenix") if name not in names]
    return f"not on NIX_PATH: {', '.join(absent)}" if absent else None


@pytest.fixture(scope="session")
def nix() -> Nix:
    """Nix; skips the test if it is missing."""
    if why := missing_requirement():
        if "nix" in REQUIRED:
            pytest.fail(f"nix is required: {why}")
        pytest.skip(f"nix: {why}")
    return Nix()
