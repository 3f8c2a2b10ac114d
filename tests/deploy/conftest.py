"""Hosts to test on: built by the stand-in for NixOS, booted in containers.

They need what tests/nix needs (``nix`` in ``LAKEWRIGHT_TEST_REQUIRE``), and root, systemd-nspawn
and debootstrap (``deploy``). The binaries in a container are those that ``LAKEWRIGHT_TEST_CLI``,
``LAKEWRIGHT_TEST_MINIO`` and ``LAKEWRIGHT_TEST_MC`` name, its Python modules those of
``LAKEWRIGHT_TEST_PYTHON``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import container
from machine import Shim

ROOT = Path(__file__).parents[2]
REQUIRED = set(filter(None, os.environ.get("LAKEWRIGHT_TEST_REQUIRE", "").split(",")))
# The Python version of Debian 12, which the modules in a container are installed for.
PYTHON = "3.11"
UNPROVEN = (
    "unproven here: the scenarios in virtual machines (nix flake check), whatever nixpkgs builds, "
    "silo in place of MinIO, systemd as NixOS has it"
)
# Prints the last log lines of a failed scenario's machine.
DIAGNOSIS = "systemctl --no-pager --failed; journalctl --boot --no-pager --lines=60"


def missing(what: str, why: str) -> None:
    """Skips the test, or fails if the requirement is mandatory."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required: {why}")
    pytest.skip(f"{what}: {why}")


def missing_nix() -> str | None:
    """Returns why no host can be built here, or None."""
    if not shutil.which("nix-build"):
        return "not installed: nix-build"
    names = {entry.partition("=")[0] for entry in os.environ.get("NIX_PATH", "").split(":")}
    absent = [name for name in ("nixpkgs-lib", "agenix") if name not in names]
    return f"not on NIX_PATH: {', '.join(absent)}" if absent else None


@pytest.fixture(scope="session")
def build() -> Callable[..., Path]:
    """Builds a Nix file, which is a function of named strings or paths."""
    if why := missing_nix():
        missing("nix", why)

    # Settings of a single-user Nix, independent of the machine's configuration.
    settings = "sandbox = false\nbuild-users-group =\nsubstitute = false\n"
    environment = os.environ | {"NIX_CONFIG": settings + os.environ.get("NIX_CONFIG", "")}

    def build(file: Path, **arguments: str) -> Path:
        given = [part for name, text in arguments.items() for part in ("--arg", name, text)]
        done = subprocess.run(
            ["nix-build", "--no-out-link", *given, str(file)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert done.returncode == 0, done.stderr[-6000:]
        return Path(done.stdout.split()[-1])

    return build


@pytest.fixture(scope="session")
def binds(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The directories of this machine that a container can read."""
    if why := container.missing_requirement():
        missing("deploy", why)
    room = "/opt/lakewright"
    found: dict[str, Path] = {}
    for program, variable in {"lakewright": "CLI", "minio": "MINIO", "mc": "MC"}.items():
        file = Path(os.environ.get(f"LAKEWRIGHT_TEST_{variable}", ""))
        if not file.is_file():
            missing("deploy", f"LAKEWRIGHT_TEST_{variable} names no file")
        found[f"{room}/bin/{program}"] = file.resolve()

    ask = (
        "import lakewright, sys, sysconfig\n"
        "print('{}.{}'.format(*sys.version_info))\n"
        "print(sysconfig.get_path('purelib'), lakewright.__path__[0], sep='\\n')"
    )
    python = os.environ.get("LAKEWRIGHT_TEST_PYTHON", sys.executable)
    asked = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    if asked.returncode:
        missing("deploy", f"LAKEWRIGHT_TEST_PYTHON has no lakewright: {asked.stderr[-300:]}")
    version, site, package = asked.stdout.splitlines()
    if version != PYTHON:
        missing("deploy", f"LAKEWRIGHT_TEST_PYTHON is {version}, the container's {PYTHON}")
    found[f"{room}/modules/site-packages"] = Path(site)
    found[f"{room}/modules/own/lakewright"] = Path(package).resolve()

    launcher = tmp_path_factory.mktemp("container") / "python3"
    launcher.write_text(
        "#!/bin/sh\n"
        f"export PYTHONPATH={room}/modules/own:{room}/modules/site-packages\n"
        "export PYTHONDONTWRITEBYTECODE=1\n"
        'exec /usr/bin/python3 "$@"\n'
    )
    launcher.chmod(0o755)
    found[f"{room}/bin/python3"] = launcher
    return found


@pytest.fixture
def boot(
    binds: Mapping[str, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[Path], Shim]]:
    """Returns a machine for a host's toplevel; it boots at its first use."""
    made: list[container.Container] = []

    def boot(toplevel: Path) -> Shim:
        console = tmp_path / f"console-{len(made)}"
        box = container.Container("machine", f"{toplevel}/init", binds, console)
        made.append(box)
        box.__enter__()
        return Shim("machine", box)

    try:
        yield boot
    finally:
        failed = getattr(request.node, "failed", False)
        for box in made:
            if failed and box.leader():
                print(f"\n{box.run(DIAGNOSIS, 30)[1]}")
            box.__exit__()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the limits of these tests: the behaviour that passing does not prove."""
    if any(
        report.nodeid.count("test_scenario[") for report in terminalreporter.stats.get("passed", ())
    ):
        terminalreporter.write_line(UNPROVEN)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Records the failure of a test for its fixtures."""
    report = yield
    if call.when == "call" and report.failed:  # type: ignore[attr-defined]
        item.failed = True  # type: ignore[attr-defined]
    return report
