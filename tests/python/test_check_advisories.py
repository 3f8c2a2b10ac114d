"""The check of advisories, scripts/check_advisories.py, with its committed list."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    script = ROOT / "scripts/check_advisories.py"
    spec = importlib.util.spec_from_file_location("check_advisories", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_advisories"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


check_advisories = load()
Package, Finding, Listed = (
    check_advisories.Package,
    check_advisories.Finding,
    check_advisories.Listed,
)

PARSER = Package("parser", "1.2.3")
WRITER = Package("writer", "0.1.0")
FINDING = Finding(PARSER, "RUSTSEC-2026-9001", "vulnerability")
LISTED = Listed(date(2026, 8, 21), "c0ffee", frozenset({PARSER, WRITER}), (FINDING,))


def test_the_list_is_read_as_it_was_written() -> None:
    many = frozenset(Package(f"package-{number}", "10.20.30") for number in range(100))
    for listed in (LISTED, Listed(LISTED.day, LISTED.commit, many, ())):
        text = check_advisories.format_list(listed)
        assert check_advisories.parse_list(text) == listed
        assert all(len(line) <= 100 for line in text.splitlines())


def test_only_packages_of_a_registry_are_locked_packages() -> None:
    lock = """
        [[package]]
        name = "own"
        version = "0.1.0"
        [[package]]
        name = "parser"
        version = "1.2.3"
        source = "registry+https://github.com/rust-lang/crates.io-index"
    """
    assert check_advisories.locked_packages(lock) == {PARSER}


def test_the_report_of_cargo_deny_is_read() -> None:
    def entry(id: str, package: object) -> dict[str, object]:
        return {"advisory": {"id": id}, "package": vars(package)}

    report = {
        "vulnerabilities": [entry("RUSTSEC-2026-9001", PARSER)],
        "warnings": {"unmaintained": [entry("RUSTSEC-2026-9002", WRITER)]},
    }
    assert check_advisories.parse_report(json.dumps(report)) == [
        FINDING,
        Finding(WRITER, "RUSTSEC-2026-9002", "unmaintained"),
    ]


def test_findings_count_while_their_package_is_locked_and_they_are_not_ignored() -> None:
    compare = check_advisories.compare
    assert compare(LISTED, {PARSER, WRITER}, set()) == ([FINDING], [])
    assert compare(LISTED, {PARSER, WRITER}, {FINDING.id}) == ([], [])
    updated = Package("parser", "1.2.4")
    assert compare(LISTED, {updated, WRITER}, set()) == ([], [updated])


def test_a_finding_fails_the_check_and_the_age_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    package = '[[package]]\nname = "parser"\nversion = "1.2.3"\nsource = "registry+x"\n'
    (tmp_path / "Cargo.lock").write_text(
        package + '[[package]]\nname = "new"\nversion = "1.0.0"\nsource = "registry+x"\n'
    )
    (tmp_path / "advisories.toml").write_text(check_advisories.format_list(LISTED))
    monkeypatch.setattr(check_advisories, "ROOT", tmp_path)
    monkeypatch.setattr(check_advisories, "LIST", tmp_path / "advisories.toml")

    for ignore, status in [("", 1), ('{ id = "RUSTSEC-2026-9001", reason = "not called" }', 0)]:
        (tmp_path / "deny.toml").write_text(f"[advisories]\nignore = [{ignore}]\n")
        assert check_advisories.check_list() == status
        errors = capfd.readouterr().err
        assert "advisories.toml of 2026-08-21" in errors
        assert "not checked: new 1.0.0" in errors
        assert ("RUSTSEC-2026-9001" in errors) == bool(status)


def test_the_committed_list_and_deny_toml_agree() -> None:
    """Each ignored advisory has a reason and was found, and each finding is ignored or resolved."""
    listed = check_advisories.parse_list((ROOT / "advisories.toml").read_text())
    config = (ROOT / "deny.toml").read_text()
    rows = check_advisories.tomllib.loads(config)["advisories"]["ignore"]
    assert all(row["reason"] for row in rows)
    assert check_advisories.ignored_advisories(config) <= {found.id for found in listed.findings}
    locked = check_advisories.locked_packages((ROOT / "Cargo.lock").read_text())
    failures, _ = check_advisories.compare(
        listed, locked, check_advisories.ignored_advisories(config)
    )
    assert failures == []
