"""Tests that the host in README.md can be built."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import ROOT, Nix


def block(title: str) -> str:
    """Returns the file `title` as README.md shows it."""
    text = (ROOT / "README.md").read_text()
    found = re.search(rf"^```nix\n# {re.escape(title)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, f"README.md shows no {title}"
    return found[1]


def test_the_host_is_a_system(nix: Nix, tmp_path: Path) -> None:
    (tmp_path / "lake.nix").write_text(block("lake.nix"))
    (tmp_path / "secrets").symlink_to(ROOT / "secrets")
    host = f"""((import ./tests/nix/stand-in {{ }}).evalHost {{
      modules = [ <agenix/modules/age.nix> ./nix/modules {tmp_path}/lake.nix ];
    }})"""
    path = nix.value(f"{host}.toplevel.drvPath")
    assert isinstance(path, str)
    assert path.endswith(".drv")
    units = nix.value(f"builtins.attrNames {host}.config.systemd.services")
    assert isinstance(units, list)
    assert {"lakewright-server", "lakewright-client-lake", "lakewright-drift-lake"} <= set(units)


def test_secrets_are_made_where_their_rules_are(nix: Nix) -> None:
    """`agenix` reads secrets.nix and its files from the current directory."""
    calls = re.findall(r"^\$ (.*agenix -e .*)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert calls
    for call in calls:
        found = re.match(r"\(cd (\S+) && .*agenix -e ([^\s)]+)\)", call)
        assert found, call
        assert nix.value(f'(import ./{found[1]}/secrets.nix) ? "{found[2]}"')


def test_the_flake_is_a_flake(nix: Nix, tmp_path: Path) -> None:
    """Its host has the default modules of agenix and of this flake."""
    (tmp_path / "flake.nix").write_text(block("flake.nix"))
    modules = nix.value(
        f"""let module = name: {{ nixosModules.default = name; }}; in
        ((import {tmp_path}/flake.nix).outputs {{
          nixpkgs.lib.nixosSystem = host: map toString host.modules;
          agenix = module "agenix"; lakewright = module "lakewright";
        }}).nixosConfigurations.lake"""
    )
    assert modules == [
        *("agenix", "lakewright", f"{tmp_path}/hardware-configuration.nix", f"{tmp_path}/lake.nix")
    ]
