"""The stubs are what the binary says, and say what the binary does; the examples run."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import lakewright
import pytest

PYTHON = Path(lakewright.__file__).parent.parent
STUB = PYTHON / "lakewright" / "_lakewright.pyi"


def run(*command: str) -> None:
    environment = {**os.environ, "MYPYPATH": str(PYTHON), "PYTHONPATH": str(PYTHON)}
    ended = subprocess.run(
        [sys.executable, *command], cwd=PYTHON, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_committed_stub_is_the_generated_one() -> None:
    run("stubs.py", "--check")


def test_stubtest() -> None:
    pytest.importorskip("mypy")
    run("-m", "mypy.stubtest", "lakewright")


def test_mypy() -> None:
    pytest.importorskip("mypy")
    run("-m", "mypy", "--strict", "lakewright")


def test_every_verb_has_its_twin() -> None:
    for cls in (lakewright.Lake, lakewright.Bucket, lakewright.Table, lakewright.Scan):
        names = {name for name in dir(cls) if not name.startswith("_")}
        waits = {"at", "bucket", "close", "lake", "name", "profile", "scan", "sql", "table", "uri"}
        for name in {n for n in names if not n.endswith("_async")} - waits:
            assert f"{name}_async" in names, f"{cls.__name__}.{name}"
            if name != "list":
                ours, twin = (inspect.signature(getattr(cls, n)) for n in (name, f"{name}_async"))
                assert ours == twin


def documented() -> list[Any]:
    """Every docstring with an example."""
    tests = []
    trees = [ast.parse(path.read_text()) for path in (STUB, PYTHON / "lakewright/__init__.py")]
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and ">>>" in text:
                    name = getattr(node, "name", "module")
                    tests.append(pytest.param(name, text, id=name))
    return tests


@pytest.mark.parametrize(("name", "text"), documented())
def test_examples(name: str, text: str, tmp_path: Path) -> None:
    with lakewright.connect(f"embedded:{tmp_path / uuid.uuid4().hex}") as lake:
        lake.create_bucket("raw")
        test = doctest.DocTestParser().get_doctest(
            text, {"lakewright": lakewright, "lake": lake}, name, str(STUB), 0
        )
        assert test.examples
        options = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
        runner = doctest.DocTestRunner(optionflags=options)
        said: list[str] = []
        runner.run(test, out=said.append)
        assert runner.failures == 0, "".join(said)
