#!/usr/bin/python3
"""Switches the running system to the configuration that contains this file.

It decides as NixOS's switch-to-configuration does, for services, timers, targets and mounts:
removed units are stopped, changed ones are restarted (stopped before activation and started after
it, unless the unit specifies otherwise), and wanted ones are started. With ``dry-activate`` it only
prints the actions. User units, swap, socket activation and boot loaders are not supported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

TOPLEVEL = Path("@out@")
ETC = Path("/etc/systemd/system")
OLD = Path("/run/current-system/etc/systemd/system")
NEW = TOPLEVEL / "etc/systemd/system"

# A change of only these settings does not restart a unit.
UNREMARKABLE = {"Description", "Documentation", "OnFailure", "OnSuccess", "X-Reload-Triggers"}
# Stopping or restarting these would affect more than the unit.
SPARED = {"sysinit.target", "basic.target", "multi-user.target", "graphical.target"}

Unit = dict[str, dict[str, list[str]]]


def systemctl(*arguments: str) -> int:
    """Runs systemctl and returns its exit code."""
    return subprocess.run(["systemctl", *arguments], check=False).returncode


def read(folder: Path, name: str) -> Unit | None:
    """A unit with its drop-ins, in sections; None when the folder has none or masks it."""
    file, extra = folder / name, folder / f"{name}.d"
    if file.exists() and file.resolve() == Path("/dev/null"):
        return None
    parts = [file] if file.exists() else []
    parts += sorted(extra.glob("*.conf")) if extra.is_dir() else []
    if not parts:
        return None
    unit: Unit = {}
    section = ""
    for part in parts:
        for line in part.read_text().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif "=" in line and not line.startswith(("#", ";")):
                key, value = line.split("=", 1)
                unit.setdefault(section, {}).setdefault(key, []).append(value)
    return unit


def flag(unit: Unit, section: str, key: str, default: bool) -> bool:
    """A boolean of a unit file."""
    values = unit.get(section, {}).get(key, [])
    return values[-1] in ("true", "yes", "1", "on") if values else default


def essential(unit: Unit) -> Unit:
    """Returns the parts of a unit whose change requires a restart."""
    return {
        section: {key: value for key, value in settings.items() if key not in UNREMARKABLE}
        for section, settings in unit.items()
        if section != "Install"
    }


def active() -> Iterator[str]:
    """Returns the units that are active or activating."""
    listing = subprocess.run(
        ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--full"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in listing.splitlines():
        name, _, state, *_ = line.split()
        if state in ("active", "activating", "reloading"):
            yield name


@dataclass
class Changes:
    """Returns the units for each action."""

    stop: set[str] = field(default_factory=set)
    restart: set[str] = field(default_factory=set)
    reload: set[str] = field(default_factory=set)
    start: set[str] = field(default_factory=set)
    skip: set[str] = field(default_factory=set)


def decide() -> Changes:
    """Compares the units that run with their new files."""
    changes = Changes()
    for name in active():
        base = name.split("@")[0] + "@." + name.rsplit(".", 1)[1] if "@" in name else name
        old, new = (read(folder, name) or read(folder, base) for folder in (OLD, NEW))
        if old is None:
            continue
        if new is None:
            if flag(old, "Unit", "X-StopOnRemoval", default=True) and name not in SPARED:
                changes.stop.add(name)
        elif name.endswith(".target"):
            # Started again, so that newly wanted units are started.
            if name not in SPARED and not flag(new, "Unit", "RefuseManualStart", default=False):
                changes.start.add(name)
            if flag(new, "Unit", "X-StopOnReconfiguration", default=False):
                changes.stop.add(name)
        elif essential(old) != essential(new):
            modified(changes, name, new)
        elif old.get("Unit", {}).get("X-Reload-Triggers") != new.get("Unit", {}).get(
            "X-Reload-Triggers"
        ):
            changes.reload.add(name)
    return changes


def modified(changes: Changes, name: str, unit: Unit) -> None:
    """Decides about a running unit whose file has changed."""
    if name.endswith((".slice", ".path")):
        changes.restart.add(name)
    elif name.endswith(".mount") or flag(unit, "Service", "X-ReloadIfChanged", default=False):
        changes.reload.add(name)
    elif (
        not flag(unit, "Service", "X-RestartIfChanged", default=True)
        or flag(unit, "Unit", "RefuseManualStop", default=False)
        or flag(unit, "Unit", "X-OnlyManualStart", default=False)
    ):
        changes.skip.add(name)
    elif not flag(unit, "Service", "X-StopIfChanged", default=True):
        changes.restart.add(name)
    else:
        changes.stop.add(name)
        changes.start.add(name)


def tell(what: str, units: Iterable[str]) -> None:
    """Prints one line about units, if there are any."""
    if units:
        print(f"{what} the following units: {', '.join(sorted(units))}", flush=True)


def dry_activate() -> int:
    """Prints what a switch would do."""
    changes = decide()
    tell("would stop", changes.stop)
    tell("would NOT restart", changes.skip)
    print("would activate the configuration...", flush=True)
    environment = os.environ | {"NIXOS_ACTION": "dry-activate"}
    script = TOPLEVEL / "dry-activate"
    status = subprocess.run([script], check=False, env=environment).returncode
    tell("would reload", changes.reload)
    tell("would restart", changes.restart)
    tell("would start", {name for name in changes.start if not name.endswith(".target")})
    return status


def switch() -> int:
    """Stops units, activates the configuration, and starts units."""
    changes = decide()
    status = 0
    if changes.stop:
        tell("stopping", changes.stop)
        systemctl("stop", "--", *sorted(changes.stop))
    tell("NOT restarting", changes.skip)

    print("activating the configuration...", flush=True)
    if subprocess.run([TOPLEVEL / "activate"], check=False).returncode:
        status = 2

    systemctl("reset-failed")
    if systemctl("daemon-reload"):
        status = 3
    systemctl("restart", "sysinit-reactivation.target")
    subprocess.run(["systemd-tmpfiles", "--create", "--remove"], check=False)
    if changes.reload:
        tell("reloading", changes.reload)
        status = 4 if systemctl("reload", "--", *sorted(changes.reload)) else status
    if changes.restart:
        tell("restarting", changes.restart)
        status = 4 if systemctl("restart", "--", *sorted(changes.restart)) else status
    tell("starting", {name for name in changes.start if not name.endswith(".target")})
    before = set(active())
    # Starting these targets starts the units that they newly want.
    targets = {"default.target", "timers.target", "sockets.target", "multi-user.target"}
    if systemctl("start", "--", *sorted(changes.start | targets)):
        status = 4

    new = {name for name in set(active()) - before if name not in changes.start}
    if new:
        print(f"the following new units were started: {', '.join(sorted(new))}", flush=True)
    failed = subprocess.run(
        ["systemctl", "list-units", "--failed", "--plain", "--no-legend"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    failed = [line.split()[0] for line in failed if line]
    if failed:
        print(f"warning: the following units failed: {', '.join(failed)}", flush=True)
        for name in failed:
            systemctl("--no-pager", "--full", "status", name)
        status = 4
    return status


def main() -> int:
    """Reads the action; activation scripts do too."""
    os.environ["NIXOS_ACTION"] = "".join(sys.argv[1:])
    match sys.argv[1:]:
        case ["switch" | "test"]:
            return switch()
        case ["boot"]:
            print("the stand-in has no boot loader", file=sys.stderr)
            return 1
        case ["dry-activate"]:
            return dry_activate()
    print("switch-to-configuration switch|test|boot|dry-activate", file=sys.stderr)
    return 1


sys.exit(main())
