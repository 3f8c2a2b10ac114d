"""The scripts of the scenarios use only methods that both drivers have, with the right types."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, missing

HERE = Path(__file__).parent
# The names that a driver defines for a script.
GIVEN = """
from driver import Machine, StartAll, Subtest
machine: Machine
subtest: Subtest
start_all: StartAll
"""


def mypy(*arguments: str) -> str:
    """Returns the errors of mypy."""
    if importlib.util.find_spec("mypy") is None:
        missing("mypy", "not installed")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--no-error-summary",
            "--python-version",
            "3.11",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MYPYPATH": os.fspath(HERE), "MYPY_CACHE_DIR": "/dev/null"},
    )
    return done.stdout + done.stderr


def with_given(script: str, folder: Path) -> Path:
    """Returns a file with the script and the names that a driver defines."""
    file = folder / "script.py"
    file.write_text(GIVEN + script)
    return file


@pytest.mark.parametrize(
    "script", sorted((ROOT / "nix/checks/scenarios").glob("*.py")), ids=lambda path: path.stem
)
def test_a_script_keeps_to_the_protocol(script: Path, tmp_path: Path) -> None:
    errors = mypy("--check-untyped-defs", os.fspath(with_given(script.read_text(), tmp_path)))
    assert errors == ""


def test_the_protocol_is_enforced(tmp_path: Path) -> None:
    wrong = 'machine.send_key("ctrl-l")\nmachine.wait_for_open_port("9000")\n'
    errors = mypy("--check-untyped-defs", os.fspath(with_given(wrong, tmp_path)))
    assert '"send_key"' in errors and '"wait_for_open_port"' in errors, errors


def test_the_shim_implements_the_protocol(tmp_path: Path) -> None:
    claim = tmp_path / "claim.py"
    claim.write_text(
        "from driver import Machine, Subtest\nfrom machine import Shim, subtest\n"
        "def given(shim: Shim) -> Machine:\n    return shim\n"
        "parts: Subtest = subtest\n"
    )
    assert mypy("--strict", os.fspath(claim)) == ""
