"""Every scenario of nix/checks/scenarios, on a container.

A scenario that does not work in a container begins with a line ``# Needs a kernel: …``. It is not
run here and is listed as unproven.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from machine import Shim, subtest

# The first run creates the Debian tree, and a wait of the driver may take fifteen minutes.
pytestmark = pytest.mark.timeout(1800)

SCENARIOS = ROOT / "nix/checks/scenarios"
NEEDS = "# Needs "
DISTURBED = "Failed at step NAMESPACE"


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.py")))
def test_scenario(name: str, build: Callable[..., Path], boot: Callable[[Path], Shim]) -> None:
    script = SCENARIOS / f"{name}.py"
    text = script.read_text()
    if text.startswith(NEEDS):
        pytest.skip(f"unproven here, {text.splitlines()[0].removeprefix('# ')}")
    host = build(ROOT / "tests/deploy/host.nix", scenario=os.fspath(SCENARIOS / f"{name}.nix"))
    code = compile(text, str(script), "exec")
    for again in (True, False):
        machine = boot(host)
        try:
            exec(code, {"machine": machine, "subtest": subtest, "start_all": machine.start})
            break
        except Exception:
            # Observed once in hundreds of starts: systemd 252 could not move its private /dev into
            # place (EINVAL). The cause is systemd and this machine's kernel.
            if not again or machine.execute(f"journalctl --no-pager | grep '{DISTURBED}'")[0]:
                raise
            print(f"{name}: systemd failed to set up a namespace; once more")
    # systemd breaks an ordering cycle by dropping a unit, not always the same one.
    machine.console_is_free_of("ordering cycle")
