"""flake.nix evaluated against a stand-in of nixpkgs (tests/nix/flake.nix), without a network.

Every test works on a copy of the repository, as a clone would have it, so that one may break it.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Nix, copy_of_the_repository

# One evaluation takes seconds on a machine that also runs compilers.
pytestmark = pytest.mark.timeout(600)

SYSTEMS = ["x86_64-linux", "aarch64-linux"]
PACKAGES = ["lakewright", "lakewright-minimal", "lakewright-python", "lakewright-spec"]


@dataclass(frozen=True)
class Flake:
    """A copy of the repository and its flake as Nix evaluates it."""

    nix: Nix
    folder: Path

    def run(self, *command: str, output: str = "") -> subprocess.CompletedProcess[str]:
        """A command of ``nix`` on the flake or one of its outputs."""
        agenix = self.nix.run("nix-instantiate", "--find-file", "agenix").stdout.strip()
        return self.nix.run(
            *("nix", *command, f"path:{self.folder}{output}", "--impure"),
            *("--override-input", "nixpkgs", f"path:{self.folder}/tests/nix"),
            *("--override-input", "agenix", f"path:{agenix}"),
        )

    def value(self, output: str, apply: str = "value: value") -> Any:
        """Returns the result of a function of an output."""
        done = self.run("eval", "--json", "--apply", apply, output=f"#{output}")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replaces text in the copy."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))


@pytest.fixture
def flake(nix: Nix, tmp_path: Path) -> Flake:
    """A copy that a test may change."""
    return Flake(nix, copy_of_the_repository(tmp_path / "repository"))


@pytest.fixture(scope="module")
def unchanged(nix: Nix, tmp_path_factory: pytest.TempPathFactory) -> Flake:
    """A copy that no test changes."""
    return Flake(nix, copy_of_the_repository(tmp_path_factory.mktemp("unchanged") / "repository"))


def test_the_lock_is_accepted_as_it_is(unchanged: Flake) -> None:
    """The lock has two inputs and those of agenix, and no others."""
    done = unchanged.nix.run(
        *("nix", "flake", "metadata", "--no-update-lock-file", "--json", f"path:{unchanged.folder}")
    )
    assert done.returncode == 0, done.stderr
    nodes = json.loads(done.stdout)["locks"]["nodes"]
    assert set(nodes) == {"root", "nixpkgs", "agenix", "systems"}
    assert nodes["agenix"]["inputs"]["darwin"] == nodes["agenix"]["inputs"]["home-manager"] == []


def test_every_output_can_be_evaluated(unchanged: Flake) -> None:
    done = unchanged.run("flake", "check", "--no-build")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("nix/packages/spec.nix", "cargoTestFlags", "cargoTestFlag", "called with cargoTestFlag"),
        ("nix/packages/cli.nix", "installShellFiles,", "installShellFile,", "installShellFile"),
        ("nix/hosts/lake.nix", "server.enable", "server.enabled", "does not exist"),
        ("nix/hosts/lake.nix", "policies.raw-writer", "policies.raw-reader", "raw-writer"),
        ("nix/checks/default.nix", "pkgs.deadnix", "pkgs.deednix", "deednix"),
        ("nix/shell.nix", "mkShell", "mkShed", "mkShed"),
        ("Cargo.lock", "checksum = ", "# checksum = ", "has no checksum"),
    ],
)
def test_faults_are_detected(flake: Flake, file: str, old: str, new: str, why: str) -> None:
    flake.replace(file, old, new)
    done = flake.run("flake", "check", "--no-build")
    assert done.returncode != 0, "nobody noticed"
    assert why in done.stderr


def test_outputs(unchanged: Flake) -> None:
    """Both systems have the same outputs."""
    done = unchanged.run("flake", "show", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    for output in ("packages", "apps", "devShells", "formatter"):
        here, there = (shown[output][system] for system in SYSTEMS)
        assert here.keys() == there.keys(), output
    assert set(shown["packages"]["x86_64-linux"]) == {"default", "option-docs", *PACKAGES}
    assert set(shown["apps"]["x86_64-linux"]) == {"default", "demo", "lakewright", "plan"}
    assert set(shown["nixosModules"]) == {"default", "client", "server"}
    assert set(shown["nixosConfigurations"]) == {"board", "example"}
    assert set(shown["overlays"]) == {"default"}
    checks = set(shown["checks"]["x86_64-linux"])
    scenarios = {f"scenario-{path.stem}" for path in (ROOT / "nix/checks/scenarios").glob("*.py")}
    ours = {"clippy", "docs", "nix-files", "option-docs", "options", "rustfmt", "tests"}
    assert checks == {*PACKAGES, *ours, *scenarios, "host-example"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_packages_are_for_their_system(unchanged: Flake, system: str) -> None:
    value = unchanged.value(
        f"packages.{system}", "builtins.mapAttrs (_: package: [ package.system package.drvPath ])"
    )
    assert {of for of, _ in value.values()} == {system}
    assert all(path.endswith(".drv") for _, path in value.values())


@pytest.mark.parametrize("system", SYSTEMS)
def test_apps_are_programs_of_the_system(unchanged: Flake, system: str) -> None:
    """`nix flake check` does not evaluate this."""
    programs = unchanged.value(f"apps.{system}", "builtins.mapAttrs (_: app: app.program)")
    package = unchanged.value(f"packages.{system}.lakewright", "package: package.outPath")
    assert programs["default"] == programs["lakewright"] == f"{package}/bin/lakewright"
    assert Path(programs["demo"]).name == "lakewright-demo"
    assert Path(programs["plan"]).name == "lakewright-plan"


def test_hosts_are_checked_on_their_own_system(unchanged: Flake) -> None:
    checked = {
        system: unchanged.value(f"checks.{system}", "builtins.attrNames") for system in SYSTEMS
    }
    hosts = {
        system: [n for n in names if n.startswith("host-")] for system, names in checked.items()
    }
    assert hosts == {"x86_64-linux": ["host-example"], "aarch64-linux": ["host-board"]}


def test_the_board_is_an_image_for_another_processor(unchanged: Flake) -> None:
    board = "nixosConfigurations.board.config"
    assert unchanged.value(f"{board}.nixpkgs.hostPlatform", "p: p.system") == "aarch64-linux"
    image, toplevel = (
        unchanged.value(f"{board}.system.build.{what}", "derivation: derivation.drvPath")
        for what in ("sdImage", "toplevel")
    )
    assert image != toplevel


def test_a_host_gets_our_packages(unchanged: Flake) -> None:
    """The packages come from the overlay of the modules."""
    client = "nixosConfigurations.example.config.services.lakewright.client"
    assert unchanged.value(f"{client}.package", "package: package.name").startswith(
        "lakewright-minimal-"
    )
    spec = unchanged.value("packages.x86_64-linux.lakewright-spec", "package: package.outPath")
    assert unchanged.value(f"{client}.specPackage", "package: package.outPath") == spec


def test_the_flake_is_short() -> None:
    assert len((ROOT / "flake.nix").read_text().splitlines()) < 100


def test_the_check_of_the_options_passes(unchanged: Flake) -> None:
    """The flake's own, built: it compares the page as tests/nix/test_options.py does."""
    recipe = unchanged.value("checks.x86_64-linux.options", "check: check.drvPath")
    built = unchanged.nix.run("nix-store", "--realise", recipe)
    assert built.returncode == 0, built.stderr
