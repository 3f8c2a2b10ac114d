"""The interface of scenarios: the part of NixOS's test driver that the shim has, too.

A scenario does not import this module: both drivers define ``machine``, ``subtest`` and
``start_all`` for it. Scripts are type-checked against these protocols, and so is the shim.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Machine(Protocol):
    """A machine under test. Commands run as root in bash, with ``set -euo pipefail``; only what
    they write to standard output is returned. Times are in seconds."""

    name: str

    def start(self, allow_reboot: bool = False) -> None:
        """Boots the machine unless it is up. Commands do so too."""

    def execute(
        self,
        command: str,
        check_return: bool = True,
        check_output: bool = True,
        timeout: int | None = 900,
    ) -> tuple[int, str]:
        """Runs a command and returns its exit code, 124 after `timeout`, and its output."""

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        """Runs commands, all of which must succeed."""

    def fail(self, *commands: str, timeout: int | None = None) -> str:
        """Runs commands, all of which must fail."""

    def wait_until_succeeds(self, command: str, timeout: int = 900) -> str:
        """Repeats a command until it succeeds."""

    def wait_until_fails(self, command: str, timeout: int = 900) -> str:
        """Repeats a command until it fails."""

    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = 900) -> None:
        """Waits until a unit is active. Fails if it has failed, or no job is about to start it."""

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        """Waits until a process listens on a TCP port."""

    def wait_for_closed_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        """Waits until no process listens on a TCP port."""

    def wait_for_file(self, filename: str, timeout: int = 900) -> None:
        """Waits until a file exists."""

    def wait_for_console_text(self, regex: str, timeout: int | None = None) -> None:
        """Waits until the console has shown a line."""

    def systemctl(self, q: str, user: str | None = None) -> tuple[int, str]:
        """Runs systemctl with these arguments."""

    def get_unit_info(self, unit: str, user: str | None = None) -> dict[str, str]:
        """Returns the properties of a unit."""

    def get_unit_property(self, unit: str, property: str, user: str | None = None) -> str:
        """Returns one property of a unit."""

    def require_unit_state(self, unit: str, require_state: str = "active") -> None:
        """Fails unless a unit is in a state."""

    def start_job(self, jobname: str, user: str | None = None) -> tuple[int, str]:
        """Starts a unit."""

    def stop_job(self, jobname: str, user: str | None = None) -> tuple[int, str]:
        """Stops a unit."""

    def copy_from_host(self, source: str, target: str) -> None:
        """Copies a file or directory of the driver's machine into the machine."""

    def shutdown(self) -> None:
        """Shuts the machine down in order."""

    def crash(self) -> None:
        """Cuts the power."""

    def reboot(self) -> None:
        """Restarts the machine, which must have been started with `allow_reboot`."""

    def log(self, msg: str) -> None:
        """Writes a message to the driver's log."""


class Subtest(Protocol):
    """Names a part of a scenario, for the log and for the error that ends it."""

    def __call__(self, name: str) -> AbstractContextManager[None]: ...


class StartAll(Protocol):
    """Boots every machine."""

    def __call__(self) -> None: ...
