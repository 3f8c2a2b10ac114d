"""Tests of the container and the shim, on which all scenarios rely."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from machine import ScenarioError, Shim

# The first run creates the Debian tree, and a wait of the driver may take fifteen minutes.
pytestmark = pytest.mark.timeout(1800)

HERE = Path(__file__).parent


# The ways in which NixOS can create users. If a unit does, agenix decrypts in a unit too.
USERS = ["", "services.userborn.enable = true;", "systemd.sysusers.enable = true;"]


@pytest.fixture
def machine(build: Callable[..., Path], boot: Callable[[Path], Shim]) -> Shim:
    """A machine with a oneshot, a service that fails, a notify service with a secret, a timer."""
    return boot(build(ROOT / "tests/deploy/host.nix", scenario=os.fspath(HERE / "small.nix")))


@pytest.mark.parametrize("users", USERS, ids=["activation", "userborn", "sysusers"])
def test_units_secrets_and_users_are_there_after_boot(
    users: str, build: Callable[..., Path], boot: Callable[[Path], Shim]
) -> None:
    host = f"{{ imports = [ {HERE / 'small.nix'} ]; {users} }}"
    machine = boot(build(ROOT / "tests/deploy/host.nix", scenario=host))
    machine.wait_for_unit("once")
    machine.wait_for_unit("multi-user.target")
    assert machine.succeed("cat /run/agenix/word") == "sesame\n"
    assert machine.succeed("stat -c %U:%a /run/agenix/word") == "root:400\n"
    machine.wait_for_unit("speaks")
    assert machine.succeed("cat /run/speaks/heard") == "sesame\n"
    assert machine.succeed("stat -c %U /run/speaks/heard") == "speaker\n"
    assert "keeper" in machine.succeed("id anna")
    machine.require_unit_state("ticks.timer")
    assert machine.succeed("cat /etc/greeting").startswith("hello")
    assert machine.get_unit_info("speaks")["Type"] == "notify"


def test_errors_name_their_cause(machine: Shim) -> None:
    with pytest.raises(
        ScenarioError, match=r'unit "breaks" reached state "failed"[\s\S]*on purpose'
    ):
        machine.wait_for_unit("breaks", timeout=20)
    with pytest.raises(ScenarioError, match="is inactive and there are no pending jobs"):
        machine.wait_for_unit("unheard-of", timeout=20)
    with pytest.raises(
        ScenarioError, match=r"`echo half; exit 7` failed \(exit code 7\)[\s\S]*half"
    ):
        machine.succeed("echo half; exit 7")
    with pytest.raises(ScenarioError, match="unexpectedly succeeded"):
        machine.fail("true")
    with pytest.raises(ScenarioError, match="in vain: port 81 open"):
        machine.wait_for_open_port(81, timeout=1)
    assert machine.execute("sleep 20", timeout=1)[0] == 124
    assert machine.fail("false | true") == ""


def test_written_files_survive_a_reboot_and_a_crash(machine: Shim) -> None:
    machine.start(allow_reboot=True)
    boot = machine.succeed("cat /proc/sys/kernel/random/boot_id")
    machine.succeed("echo kept > /var/lib/kept; echo gone > /run/gone")
    machine.reboot()
    machine.succeed("grep kept /var/lib/kept")
    machine.fail("test -e /run/gone")
    machine.crash()
    machine.start()
    machine.succeed("grep kept /var/lib/kept")
    machine.wait_for_unit("speaks")
    boots = machine.succeed("journalctl --list-boots --no-pager --quiet | grep -c ^")
    assert int(boots) >= 3, boot


def test_a_switch_restarts_what_changed_and_only_that(machine: Shim) -> None:
    machine.wait_for_unit("multi-user.target")
    machine.wait_for_unit("speaks")
    other = "/run/booted-system/specialisation/other/bin/switch-to-configuration"
    before = {
        unit: machine.get_unit_property(unit, "InvocationID")
        for unit in ("once", "speaks", "ticks.timer")
    }
    code, said = machine.execute(f"{other} dry-activate")
    assert code == 0, said
    assert re.search(r"would stop the following units: .*leaves\.service", said)
    assert re.search(r"would start the following units: .*speaks\.service", said)
    assert "the dry hook ran" in said and "the wet hook ran" not in said
    assert machine.get_unit_property("speaks", "InvocationID") == before["speaks"]

    said = machine.execute(f"{other} test")[1]
    assert "the wet hook ran" in said
    # The secret of the first unit has changed, the file of the second has not.
    assert machine.succeed("cat /run/agenix/word") == "open\n"
    machine.wait_until_succeeds("grep open /run/speaks/heard", timeout=10)
    assert machine.get_unit_property("speaks", "InvocationID") != before["speaks"]
    assert machine.get_unit_property("once", "InvocationID") == before["once"]
    assert machine.get_unit_property("ticks.timer", "InvocationID") == before["ticks.timer"]
    machine.require_unit_state("leaves", "inactive")
    machine.require_unit_state("comes")
    machine.fail("test -e /etc/greeting")


def test_a_machine_is_on_its_own(machine: Shim) -> None:
    assert machine.succeed("ls /sys/class/net").split() == ["lo"]
    machine.fail("touch /nix/store/x")
    assert machine.succeed("hostname") == "machine\n"
    assert machine.succeed("cat /proc/1/comm") == "systemd\n"


def test_commands_find_what_every_nixos_has_and_what_the_host_asks_for(machine: Shim) -> None:
    for command in ("systemctl", "ps", "ss", "mount", "su", "awk", "getent hosts localhost"):
        machine.succeed(f"{command} >/dev/null" if " " in command else f"command -v {command}")
    # The container has these programs, but no host declares them.
    for command in ("jq", "openssl", "age", "perl"):
        machine.succeed(f"test -x /usr/bin/{command}")
        machine.fail(f"command -v {command}")
        machine.fail(f"su - anna -c 'command -v {command}'")


def test_nothing_is_left_when_a_run_is_killed(tmp_path: Path, binds: object) -> None:
    """All processes of a test run end with it, even if it cannot clean up."""
    script = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
import container
console = Path({str(tmp_path / "console")!r})
box = container.Container("killed", "/lib/systemd/systemd", {{}}, console)
box.__enter__()
box.boot()
print(box.name, box.leader(), flush=True)
import time
time.sleep(300)
"""
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert run.stdout
    name, leader = run.stdout.readline().split()
    assert Path(f"/proc/{leader}").exists()
    run.send_signal(signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{leader}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{leader}").exists()
    assert name not in Path("/proc/mounts").read_text()
    left = subprocess.run(["pgrep", "--full", name], capture_output=True, text=True, check=False)
    assert left.stdout == ""
