"""Tests of `nix run .#plan`: its calls of other programs.

Nix, ssh and lakewright are stand-ins here, which record how they were called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, Nix

CLIENT = ".#nixosConfigurations.example.config.services.lakewright.client"
NIX = "nix --extra-experimental-features nix-command flakes"

# A spec of a stack with one user.
SPEC = '{"users": {"etl": {"secret": {"credential": "user-etl"}}}}'
ANSWERS = {
    "nix": """
case "$*" in
  *builtins.attrNames*) echo '["lake", "log"]' ;;
  *log*.prune) printf delete ;;
  *.prune) printf keep ;;
  *specFile) echo '[{"outputs": {"out": "'$SPEC'"}}]' ;;
  *planScript) echo '[{"outputs": {"out": "/nix/store/plan"}}]' ;;
esac""",
    "lakewright": 'echo "secret: $(cat "$CREDENTIALS_DIRECTORY/user-etl")" >>"$CALLS"',
    "ssh": "",
}


@pytest.fixture
def plan(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """Returns the environment of the script and the file that records its calls."""
    if not shutil.which("jq"):
        pytest.skip("jq is not installed")
    calls, spec = tmp_path / "calls", tmp_path / "spec.json"
    spec.write_text(SPEC)
    for tool, answer in ANSWERS.items():
        (tmp_path / tool).write_text(f'#!/bin/bash\necho "{tool} $*" >>"$CALLS"\n{answer}\n')
        (tmp_path / tool).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "CALLS": str(calls), "SPEC": str(spec)}, calls


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    # The command line of writeShellApplication.
    command = ["bash", "-euo", "pipefail", str(ROOT / "nix/packages/plan.sh"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_on_the_host_its_own_script_is_run(plan: tuple[dict[str, str], Path]) -> None:
    environment, calls = plan
    done = run(environment, "--on", "root@example", "example", "lake")
    assert done.returncode == 0, done.stderr
    assert calls.read_text().splitlines() == [
        f'{NIX} build --no-link --json {CLIENT}.stacks."lake".planScript',
        f"{NIX} copy --to ssh://root@example /nix/store/plan",
        "ssh -- root@example /nix/store/plan/bin/lakewright-plan-lake",
    ]


def test_from_here_every_stack_is_planned_as_it_would_be_applied(
    plan: tuple[dict[str, str], Path],
) -> None:
    environment, calls = plan
    done = run(environment, "example")
    assert done.returncode == 0, done.stderr
    asked = calls.read_text().splitlines()
    applied = "stacks: builtins.filter (name: stacks.${name}.enable) (builtins.attrNames stacks)"
    assert asked[0] == f"{NIX} eval --json {CLIENT}.stacks --apply {applied}"
    spec = environment["SPEC"]
    planned = [line for line in asked if line.startswith(("lakewright", "secret"))]
    assert [line.rstrip() for line in planned] == [
        *(f"lakewright plan {spec}", "secret: not-there-yet"),
        *(f"lakewright plan {spec} --prune", "secret: not-there-yet"),
    ]


def test_a_stack_that_is_switched_off_is_not_planned(
    plan: tuple[dict[str, str], Path], nix: Nix
) -> None:
    assert run(plan[0], "example").returncode == 0
    function = plan[1].read_text().splitlines()[0].partition(" --apply ")[2]
    stacks = "{ lake.enable = true; off.enable = false; zoo.enable = true; }"
    assert nix.value(f"({function}) {stacks}") == ["lake", "zoo"]


def test_a_host_must_be_named(plan: tuple[dict[str, str], Path]) -> None:
    for arguments in ([], ["--on"], ["--at", "root@example", "example"]):
        done = run(plan[0], *arguments)
        assert (done.returncode, bool(done.stderr)) == (2, True), arguments
