"""Installs the module and its command, as cargo built them, into the environment that runs this.

What an editable install does, without a build of its own: `maturin develop` would resolve the
features of one crate instead of the workspace's, set variables that pyo3's build depends on, and
so compile the engine and all of pyo3 a second time.

    .venv/bin/python scripts/dev_install.py FOLDER-WITH-lib_lakewright.so
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def place(source: Path, target: Path) -> None:
    """Renames a copy into place: a process that has the old file mapped keeps it."""
    fresh = target.with_name(target.name + ".new")
    shutil.copy2(source, fresh)
    fresh.replace(target)


def write(path: Path, text: str, mode: int = 0o644) -> str:
    """Writes a file and returns its row for RECORD."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return f"{path},,\n"


def main(built: Path) -> None:
    project = tomllib.loads((ROOT / "python/pyproject.toml").read_text())["project"]
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    site, bin_ = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("scripts"))

    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    place(built / f"lib_lakewright{suffix}", ROOT / "python/lakewright/_lakewright.abi3.so")

    rows = write(site / "lakewright.pth", f"{ROOT / 'python'}\n")
    entries = "[console_scripts]\n"
    for command, target in project.get("scripts", {}).items():
        module, function = target.split(":")
        entries += f"{command} = {target}\n"
        code = (
            f"#!{sys.executable}\n"
            f"import sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"
        )
        rows += write(bin_ / command, code, 0o755)

    for stale in site.glob("lakewright-*.dist-info"):
        shutil.rmtree(stale)
    info = site / f"lakewright-{version}.dist-info"
    rows += write(
        info / "METADATA",
        f"Metadata-Version: 2.1\nName: lakewright\nVersion: {version}\n"
        f"Requires-Python: {project['requires-python']}\n",
    )
    rows += write(info / "INSTALLER", "dev_install.py\n")
    rows += write(info / "entry_points.txt", entries)
    write(info / "RECORD", f"{rows}{info / 'RECORD'},,\n")
    print(f"lakewright {version} ({built.name} build) is installed in {sys.prefix}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
