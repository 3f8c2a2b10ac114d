"""Checks that built files list the crates they were compiled from, and writes SBOMs of binaries.

cargo-auditable puts the list into a library or a program (section .dep-v0), and auditable2cdx reads
it. A wheel has an SBOM of its own in `sboms/` of its `.dist-info` (PEP 770), which has to contain
every crate that its module lists. The SBOM of a program is made of its list and put beside it, as
NAME.cdx.json. Usage: sbom.py FILE...
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def read_embedded(binary: Path) -> dict[str, Any]:
    """Returns the SBOM of a library or a program. Fails if none is in it."""
    command = [str(ROOT / "scripts/cargo-tool.sh"), "auditable2cdx"]
    tool = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    done = subprocess.run([tool, str(binary)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{binary}: no list of crates can be read from it: {done.stderr}")
    sbom: dict[str, Any] = json.loads(done.stdout)
    return sbom


def crates(sbom: dict[str, Any]) -> set[tuple[str, str]]:
    """Returns the names and versions of the components of an SBOM, without its subject."""
    if sbom.get("bomFormat") != "CycloneDX":
        raise SystemExit("an SBOM is not in the format CycloneDX")
    return {(component["name"], component["version"]) for component in sbom["components"]}


def check_wheel(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as scratch:
        names = archive.namelist()
        sboms = [name for name in names if ".dist-info/sboms/" in name and name.endswith(".json")]
        modules = [name for name in names if name.endswith(".so")]
        if not sboms or not modules:
            raise SystemExit(f"{wheel}: it has {len(sboms)} SBOMs and {len(modules)} modules")
        listed = set[tuple[str, str]]().union(
            *(crates(json.loads(archive.read(name))) for name in sboms)
        )
        embedded = set[tuple[str, str]]().union(
            *(crates(read_embedded(Path(archive.extract(name, scratch)))) for name in modules)
        )
    if missing := sorted(embedded - listed):
        raise SystemExit(f"{wheel}: the SBOM lacks crates that its module lists: {missing}")
    return f"SBOM of {len(listed)} crates; its module lists {len(embedded)} of them"


def write_sbom(program: Path) -> str:
    sbom = read_embedded(program)
    file = program.with_name(program.name + ".cdx.json")
    file.write_text(json.dumps(sbom, indent=2) + "\n", encoding="utf-8")
    return f"lists {len(crates(sbom))} crates, {file.name} is their SBOM"


def main() -> None:
    for file in map(Path, sys.argv[1:]):
        print(f"{file}: {check_wheel(file) if file.suffix == '.whl' else write_sbom(file)}")


if __name__ == "__main__":
    main()
