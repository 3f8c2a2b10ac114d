"""The Nix store is world-readable, so it may contain no secret."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT

KEY = ROOT / "tests/deploy/keys/ssh_host_ed25519_key"
# Files whose content is not secret: the root user's name.
OPEN = {"minio-root-user"}


def files(paths: list[Path]) -> Iterator[Path]:
    """All files below store paths; links lead to other store paths, or out of the store."""
    for path in paths:
        if path.is_file() and not path.is_symlink():
            yield path
        for folder, _, names in os.walk(path):
            yield from (file for name in names if not (file := Path(folder) / name).is_symlink())


@pytest.fixture(scope="module")
def closure(build: Callable[..., Path]) -> list[Path]:
    """All store paths of the host of scenario `rotation`, whose secrets have two values each."""
    host = build(
        ROOT / "tests/deploy/host.nix",
        scenario=os.fspath(ROOT / "nix/checks/scenarios/rotation.nix"),
    )
    derivation = subprocess.run(
        ["nix-store", "--query", "--deriver", host], capture_output=True, text=True, check=True
    ).stdout.strip()
    # Its runtime and its build dependencies.
    closures = [
        subprocess.run(
            ["nix-store", "--query", "--requisites", *more],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for more in ([host], ["--include-outputs", derivation])
    ]
    return [Path(path) for path in sorted({path for paths in closures for path in paths})]


def test_no_secret_is_in_the_store(closure: list[Path]) -> None:
    secrets = {}
    for file in sorted((ROOT / "secrets").glob("*.age")):
        if file.stem not in OPEN:
            opened = subprocess.run(
                ["age", "--decrypt", "--identity", KEY, file], capture_output=True, check=True
            )
            secrets[file.stem] = opened.stdout.strip()
    assert len(secrets) >= 4
    assert all(len(secret) >= 8 for secret in secrets.values())

    looked = 0
    for file in files(closure):
        contents = file.read_bytes()
        looked += 1
        for name, secret in secrets.items():
            assert secret not in contents, f"{name} is in {file}"
    assert looked > 100


def test_the_search_includes_units_scripts_and_documents(closure: list[Path]) -> None:
    paths = [str(path) for path in files(closure)]
    for part in ("/lakewright-server.service", "lakewright-lake.json", "check-files", "-etl.age"):
        assert any(part in path for path in paths), part
