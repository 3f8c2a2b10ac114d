"""The stubs match the binary, type checkers agree on everyday use, and the examples run."""

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
from lakewright import _lakewright, exceptions

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


EVERYDAY = Path(__file__).parent / "typing_everyday.py"


def test_mypy_on_everyday_use() -> None:
    pytest.importorskip("mypy")
    run("-m", "mypy", "--strict", "--warn-unused-ignores", str(EVERYDAY))


def test_pyright_on_everyday_use() -> None:
    pytest.importorskip("pyright")
    project = str(EVERYDAY.with_name("pyrightconfig.json"))
    run("-m", "pyright", "--pythonpath", sys.executable, "--project", project)


def test_types_are_those_that_users_write() -> None:
    """No default is hidden as ``...``, and no type is one of Rust's conversions."""
    stub = STUB.read_text()
    for unwanted in ("SupportsGetItem", "SupportsIndex", "= ...,", "= ...)", "Ellipsis"):
        assert unwanted not in stub
    for cls in (lakewright.Lake, lakewright.Bucket, lakewright.Table, lakewright.ObjectInfo):
        for name in dir(cls):
            assert "Ellipsis" not in (getattr(getattr(cls, name), "__text_signature__", "") or "")


def test_a_text_is_not_a_sequence_of_texts() -> None:
    lake = lakewright.connect("http://127.0.0.1:9000", anonymous=True)
    with pytest.raises(TypeError, match=r"write \['month'\]\n.*'partition_by'"):
        lake.create_table("raw/a", {"month": "long"}, partition_by="month")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"write \['month'\]\n.*'columns'"):
        lake.table("raw/a").scan(columns="month")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"write \['a'\]\n.*'keys'"):
        lake.bucket("raw").delete_many("a")


def test_every_verb_has_its_twin() -> None:
    for cls in (lakewright.Lake, lakewright.Bucket, lakewright.Table, lakewright.Scan):
        names = {name for name in dir(cls) if not name.startswith("_")}
        waits = {"at", "bucket", "close", "lake", "name", "profile", "scan", "sql", "table", "uri"}
        for name in {n for n in names if not n.endswith("_async")} - waits:
            assert f"{name}_async" in names, f"{cls.__name__}.{name}"
            if name != "list":
                ours, twin = (inspect.signature(getattr(cls, n)) for n in (name, f"{name}_async"))
                assert ours == twin


def documented(*paths: Path) -> list[Any]:
    """Returns every docstring of these files with an example."""
    tests = []
    for tree in (ast.parse(path.read_text()) for path in paths):
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and ">>>" in text:
                    name = getattr(node, "name", "module")
                    tests.append(pytest.param(name, text, id=name))
    return tests


def run_examples(name: str, text: str, names: dict[str, Any]) -> None:
    """Runs the examples of a docstring, which may use the names."""
    test = doctest.DocTestParser().get_doctest(text, names, name, str(STUB), 0)
    assert test.examples
    options = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=options)
    said: list[str] = []
    runner.run(test, out=said.append)
    assert runner.failures == 0, "".join(said)


@pytest.mark.parametrize(("name", "text"), documented(STUB))
def test_examples(name: str, text: str, tmp_path: Path) -> None:
    with lakewright.connect(f"embedded:{tmp_path / uuid.uuid4().hex}") as lake:
        lake.create_bucket("raw")
        run_examples(name, text, {"lakewright": lakewright, "lake": lake})


@pytest.mark.parametrize(("name", "text"), documented(PYTHON / "lakewright/__init__.py"))
def test_the_example_of_the_package_is_complete(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_examples(name, text, {})


def test_every_public_name_is_exported() -> None:
    modules = {name for name, value in vars(lakewright).items() if inspect.ismodule(value)}
    public = {name for name in vars(lakewright) if not name.startswith("_")} - modules
    assert list(lakewright.__all__) == sorted(public)
    assert set(exceptions.__all__) <= public
    binary = {name for name in vars(_lakewright) if not name.startswith("_")}
    assert binary - public == {"main"}, "the entry of the command, for __main__.py"
