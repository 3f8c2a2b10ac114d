"""Checks Cargo.lock against the advisories of RustSec.

cargo-deny does it, with the database that `cargo deny fetch db` puts below CARGO_HOME. Where GitHub
cannot be reached, LAKEWRIGHT_ADVISORY_DB names another git repository of the database, a folder or
a URL, from which it is fetched first. Without a database, advisories.toml is used: a committed list
of the packages that were checked and of what was found on that day. Either way, the findings that
do not apply to this project are in deny.toml, with the reason.

`--write` checks with the database and writes advisories.toml.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "advisories.toml"
URL = "https://github.com/RustSec/advisory-db"


@dataclass(frozen=True, order=True)
class Package:
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, order=True)
class Finding:
    """An advisory that applies to a package of Cargo.lock."""

    package: Package
    id: str
    # "vulnerability", "unmaintained", "unsound" or "notice".
    kind: str


@dataclass(frozen=True)
class Listed:
    """The content of advisories.toml."""

    # The day and the commit of the database.
    day: date
    commit: str
    checked: frozenset[Package]
    findings: tuple[Finding, ...]


def locked_packages(lock: str) -> frozenset[Package]:
    """Returns the packages of a lock file that come from a registry."""
    packages = tomllib.loads(lock)["package"]
    return frozenset(Package(p["name"], p["version"]) for p in packages if "source" in p)


def parse_report(report: str) -> list[Finding]:
    """Reads the report of cargo-deny, which has the ignored findings too."""

    def read_finding(entry: dict[str, Any], kind: str) -> Finding:
        package = Package(entry["package"]["name"], entry["package"]["version"])
        return Finding(package, entry["advisory"]["id"], kind)

    read: dict[str, Any] = json.loads(report)
    found = [read_finding(entry, "vulnerability") for entry in read["vulnerabilities"]]
    for kind, entries in read["warnings"].items():
        found += [read_finding(entry, kind) for entry in entries]
    return sorted(found)


def format_list(listed: Listed) -> str:
    rows = "".join(
        f"  {{ id = {json.dumps(found.id)}, package = {json.dumps(str(found.package))}, "
        f"kind = {json.dumps(found.kind)} }},\n"
        for found in listed.findings
    )
    lines = [""]
    for package in sorted(listed.checked):
        item = f" {json.dumps(str(package))},"
        if len(lines[-1]) + len(item) > 99:
            lines.append("")
        lines[-1] += item
    checked = "".join(f" {line}\n" for line in lines)
    return (
        "# What the advisory database of RustSec contained on this day about the packages of\n"
        "# Cargo.lock. Generated: scripts/check_advisories.py --write\n"
        f"date = {listed.day}\ncommit = {json.dumps(listed.commit)}\n"
        f"findings = [\n{rows}]\nchecked = [\n{checked}]\n"
    )


def parse_list(text: str) -> Listed:
    def package(text: str) -> Package:
        name, _, version = text.partition(" ")
        return Package(name, version)

    read = tomllib.loads(text)
    findings = (
        Finding(package(row["package"]), row["id"], row["kind"]) for row in read["findings"]
    )
    checked = frozenset(map(package, read["checked"]))
    return Listed(read["date"], read["commit"], checked, tuple(findings))


def ignored_advisories(config: str) -> set[str]:
    """Returns the ids of the advisories that deny.toml ignores."""
    return {row["id"] for row in tomllib.loads(config)["advisories"]["ignore"]}


def compare(
    listed: Listed, locked: Iterable[Package], ignored: set[str]
) -> tuple[list[Finding], list[Package]]:
    """Returns the findings that are not ignored, and the packages that were not checked."""
    locked = set(locked)
    failures = [
        found for found in listed.findings if found.package in locked and found.id not in ignored
    ]
    return failures, sorted(locked - listed.checked)


def find_database() -> Path | None:
    """Returns the folder of the database, or None. Fetches LAKEWRIGHT_ADVISORY_DB if it is set."""
    if source := os.environ.get("LAKEWRIGHT_ADVISORY_DB"):
        url = Path(source).resolve().as_uri() if Path(source).is_dir() else source
        # git replaces the URL that cargo-deny fetches from.
        replaced = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{url}.insteadOf",
            "GIT_CONFIG_VALUE_0": URL,
        }
        subprocess.run(
            [cargo_deny(), "fetch", "db"], check=True, cwd=ROOT, env=os.environ | replaced
        )
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    # cargo-deny appends a hash of the URL.
    return next((path.parent for path in home.glob("advisory-dbs/advisory-db-*/crates")), None)


def cargo_deny() -> str:
    command = [str(ROOT / "scripts/cargo-tool.sh"), "cargo-deny"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def git(database: Path, *arguments: str) -> str:
    command = ["git", "-C", str(database), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def day_of(database: Path) -> date:
    return date.fromisoformat(git(database, "log", "-1", "--format=%cs"))


def age(day: date) -> str:
    return f"of {day}, {(date.today() - day).days} days old"


def check_database(database: Path) -> int:
    print(f"advisories: the database {age(day_of(database))}")
    command = [cargo_deny(), "--offline", "check", "--hide-inclusion-graph", "advisories"]
    return subprocess.run(command, cwd=ROOT).returncode


def check_list() -> int:
    listed = parse_list(LIST.read_text(encoding="utf-8"))
    warning = f"WARNING: advisories: no database of RustSec is here, so only {LIST.name}"
    print(
        f"{warning} {age(listed.day)}, is compared, and later advisories are unknown. "
        "`cargo deny fetch db` fetches the database.",
        file=sys.stderr,
    )
    locked = locked_packages((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    ignored = ignored_advisories((ROOT / "deny.toml").read_text(encoding="utf-8"))
    failures, unchecked = compare(listed, locked, ignored)
    if unchecked:
        names = ", ".join(map(str, unchecked))
        print(f"WARNING: advisories: not in the list, so not checked: {names}", file=sys.stderr)
    for found in failures:
        url = f"https://rustsec.org/advisories/{found.id}"
        print(f"error: {found.package}: {found.kind}: {url}", file=sys.stderr)
    print(f"advisories {'FAILED' if failures else 'ok'}")
    return 1 if failures else 0


def write_list(database: Path) -> None:
    command = [cargo_deny(), "--offline", "--format", "json", "check", "--audit-compatible-output"]
    # The status is that of the check, and a finding that is not ignored belongs into the list too.
    done = subprocess.run([*command, "advisories"], cwd=ROOT, capture_output=True, text=True)
    listed = Listed(
        day_of(database),
        git(database, "rev-parse", "HEAD"),
        locked_packages((ROOT / "Cargo.lock").read_text(encoding="utf-8")),
        tuple(parse_report(done.stdout)),
    )
    LIST.write_text(format_list(listed), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write advisories.toml")
    write = parser.parse_args().write
    database = find_database()
    if not write:
        return check_database(database) if database else check_list()
    if not database:
        print(
            "the list is written from a database: `cargo deny fetch db` fetches it", file=sys.stderr
        )
        return 1
    write_list(database)
    return 0


if __name__ == "__main__":
    sys.exit(main())
