"""Tests that nix/OPTIONS.md equals the page generated from the modules."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from conftest import ROOT, Nix


def regenerated(nix: Nix, repository: Path) -> subprocess.CompletedProcess[str]:
    """Returns the result of the check of the page."""
    return nix.run("scripts/option_docs.sh", "--check", cwd=repository)


def test_the_page_is_up_to_date(nix: Nix) -> None:
    done = regenerated(nix, ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_outdated_page_is_refused(nix: Nix, tmp_path: Path) -> None:
    for part in ("nix", "scripts"):
        shutil.copytree(ROOT / part, tmp_path / part)
    module = tmp_path / "nix/modules/server.nix"
    module.write_text(module.read_text().replace("default = 9000;", "default = 9002;"))
    done = regenerated(nix, tmp_path)
    assert done.returncode == 1
    assert "+- default: `9002`" in done.stdout


def test_every_option_is_on_the_page_once(nix: Nix) -> None:
    names = nix.value(
        """let lib = import <nixpkgs-lib/lib>; in
        map (option: option.name) (lib.filter (option: option.visible && !option.internal)
          (lib.optionAttrSetToDocList (import ./nix/lib/options.nix { inherit lib; }).options))"""
    )
    assert isinstance(names, list)
    headings = re.findall(r"^### `(.+)`$", (ROOT / "nix/OPTIONS.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted(names)
    assert any(name.startswith("services.lakewright.age.") for name in names)
