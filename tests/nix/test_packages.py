"""Tests of nix/packages: the inputs of the builds, and cross builds.

nixpkgs' builders are stand-ins (tests/nix/flake/build.nix), which record their arguments.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT, Nix, copy_of_the_repository

# One evaluation takes seconds on a machine that also runs compilers.
pytestmark = pytest.mark.timeout(600)

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
PACKAGES = ["lakewright", "lakewright-minimal", "lakewright-spec", "python3Packages.lakewright"]


def packages(of: str = "legacyPackages.x86_64-linux", repository: Path = ROOT) -> str:
    """Our packages in nixpkgs, as an expression."""
    return f"""
      ((import {ROOT}/tests/nix/flake.nix).outputs {{ }}).{of}.extend
        (import {repository}/nix/overlay.nix)
    """


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_has_metadata(nix: Nix, name: str) -> None:
    value = nix.value(f"with ({packages()}).{name}; {{ inherit version meta; }}")
    assert isinstance(value, dict)
    assert value["version"] == VERSION
    meta = value["meta"]
    assert meta["mainProgram"] in {"lakewright", "lakewright-spec"}
    assert {licence["spdxId"] for licence in meta["license"]} == {"MIT", "Apache-2.0"}
    assert {"x86_64-linux", "aarch64-linux"} <= set(meta["platforms"])
    # nixpkgs' style of descriptions.
    assert meta["description"][0].isupper() and not meta["description"].endswith(".")


def test_the_minimal_command_is_built_without_features(nix: Nix) -> None:
    features = nix.value(
        f"""with {packages()};
        map (package: package.arguments.buildNoDefaultFeatures) [ lakewright lakewright-minimal ]"""
    )
    assert features == [False, True]


def test_without_features_there_is_no_delta_lake() -> None:
    """Only the minimal package omits the optional crates."""

    def crates(*arguments: str) -> set[str]:
        tree = subprocess.run(
            [
                *("cargo", "tree", "--offline", "--locked", "--package", "lakewright-cli"),
                *("--edges", "normal,build", "--prefix", "none", "--format", "{p}", *arguments),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return {line.split()[0] for line in tree.stdout.splitlines() if line}

    heavy = {"deltalake", "datafusion", "arrow", "parquet", "object_store"}
    assert heavy <= crates()
    assert not heavy & crates("--no-default-features")


def source(nix: Nix, name: str, repository: Path = ROOT) -> Path:
    """The source of a package, in the store."""
    path = nix.value(f"({packages(repository=repository)}).{name}.src.outPath")
    assert isinstance(path, str)
    return Path(path)


@pytest.mark.parametrize("name", PACKAGES)
def test_cargo_finds_the_workspace_in_a_source(nix: Nix, name: str, tmp_path: Path) -> None:
    """The reduced source still has the manifest and root source file of every member."""
    shutil.copytree(source(nix, name), tmp_path / "source")
    done = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--offline", "--locked", "--no-deps"],
        cwd=tmp_path / "source",
        capture_output=True,
        text=True,
        check=True,
    )
    members = {package["name"] for package in json.loads(done.stdout)["packages"]}
    everything = {path.parent.name for path in ROOT.glob("crates/*/Cargo.toml")}
    assert everything | {"lakewright-python", "lakewright-tests"} == members


def test_a_build_sees_only_what_it_needs(nix: Nix, tmp_path: Path) -> None:
    """A change of other files causes no rebuild."""
    copy = copy_of_the_repository(tmp_path / "copy")
    changed = {
        "crates/lakewright-cli/src/args.rs": {
            "lakewright",
            "lakewright-minimal",
            "python3Packages.lakewright",
        },
        "crates/lakewright-core/src/spec/mod.rs": set(PACKAGES),
        "python/lakewright/__init__.py": {"python3Packages.lakewright"},
        "tests/e2e/failures.rs": set(),
        "nix/modules/server.nix": set(),
        "README.md": set(),
    }
    for file, expected in changed.items():
        before = {name: source(nix, name, copy) for name in PACKAGES}
        with (copy / file).open("a") as text:
            text.write("\n")
        after = {name: source(nix, name, copy) for name in PACKAGES}
        assert {name for name in PACKAGES if before[name] != after[name]} == expected, file


def test_built_for_another_machine_the_command_writes_its_pages_in_an_emulator(nix: Nix) -> None:
    """Without an emulator, the command of the build machine generates them."""
    cross = packages("legacyPackages.x86_64-linux.pkgsCross.aarch64-multiplatform")
    of = "lakewright.arguments.postInstall"
    native, emulated = (nix.value(f"({expression}).{of}") for expression in (packages(), cross))
    assert isinstance(native, str)
    assert isinstance(emulated, str)
    assert "qemu" not in native
    assert "qemu-aarch64 $out/bin/lakewright" in emulated
    for script in (native, emulated):
        assert "installShellCompletion" in script
        assert "installManPage" in script
    nowhere = f"""
      let packages = {cross}; in (packages.lakewright.override {{
        stdenv = packages.stdenv // {{
          hostPlatform = packages.stdenv.hostPlatform // {{ emulatorAvailable = _: false; }};
        }};
      }}).arguments.postInstall
    """
    built = nix.value(f"({cross}).buildPackages.lakewright.outPath")
    written = nix.value(nowhere)
    assert isinstance(written, str)
    assert f"{built}/bin/lakewright" in written and "installManPage" in written


def test_a_built_package_runs_on_its_own_machine(nix: Nix) -> None:
    """In a cross build, specs are checked by the package of the build machine."""
    value = nix.value(
        f"""let cross = {packages("legacyPackages.x86_64-linux.pkgsCross.aarch64-multiplatform")};
        in [ cross.stdenv.hostPlatform.system cross.lakewright.system
             cross.buildPackages.stdenv.hostPlatform.system ]"""
    )
    assert value == ["aarch64-linux", "x86_64-linux", "x86_64-linux"]
