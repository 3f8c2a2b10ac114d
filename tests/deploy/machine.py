"""The methods of NixOS's test driver, on a container.

Differences from a virtual machine: the kernel and the clock are those of this machine; ``crash``
loses no write that the kernel had accepted; limits of memory and CPU are not enforced.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from container import Container

PAUSE_SECONDS = 0.2
# NixOS lets a command run as long as the test may.
COMMAND_SECONDS = 900


class ScenarioError(Exception):
    """An expectation of a scenario was not met."""


class Shim:
    """A `driver.Machine` that is a container."""

    def __init__(self, name: str, container: Container) -> None:
        self.name = name
        self._container = container
        self._reboots = False

    def start(self, allow_reboot: bool = False) -> None:
        self._reboots = self._reboots or allow_reboot
        if self._container.leader() is None:
            self.log("booting")
            self._container.boot()

    def execute(
        self,
        command: str,
        check_return: bool = True,
        check_output: bool = True,
        timeout: int | None = 900,
    ) -> tuple[int, str]:
        self.log(command)
        code, output = self._ask(command, timeout)
        for line in output.splitlines() if check_output else ():
            self.log(f"  | {line}")
        return (code if check_return else -2), (output if check_output else "")

    def _ask(self, command: str, timeout: int | None = 900) -> tuple[int, str]:
        """Runs `execute` without logging."""
        self.start()
        inner = f"set -euo pipefail; {command}"
        # The driver's shell is a login shell.
        script = f". /etc/profile; {_timed(timeout)} bash -c {shlex.quote(inner)}"
        return self._container.run(script, None if timeout is None else timeout + 10)

    def _run(self, commands: tuple[str, ...], timeout: int | None, *, ends_well: bool) -> str:
        output = ""
        for command in commands:
            code, text = self.execute(command, timeout=timeout or COMMAND_SECONDS)
            output += text
            if (code == 0) is not ends_well:
                what = f"failed (exit code {code})" if ends_well else "unexpectedly succeeded"
                raise ScenarioError(
                    f"command `{command}` {what}; its output:\n{text}\n"
                    f"the console's last lines:\n{self._container.tail(12)}"
                )
        return output

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        return self._run(commands, timeout, ends_well=True)

    def fail(self, *commands: str, timeout: int | None = None) -> str:
        return self._run(commands, timeout, ends_well=False)

    def _retry(self, what: str, timeout: float, attempt: Callable[[], bool]) -> None:
        deadline = time.monotonic() + timeout
        while not attempt():
            if time.monotonic() > deadline:
                raise ScenarioError(f"waited {timeout} s in vain: {what}")
            time.sleep(PAUSE_SECONDS)

    def _wait(self, command: str, timeout: int, *, ends_well: bool) -> str:
        self.log(f"waiting until this {'succeeds' if ends_well else 'fails'}: {command}")
        result = (0, "")

        def attempt() -> bool:
            nonlocal result
            result = self._ask(command, timeout)
            return (result[0] == 0) is ends_well

        try:
            self._retry(f"`{command}`", timeout, attempt)
        except ScenarioError as error:
            raise ScenarioError(
                f"{error}; it ended with {result[0]} and said:\n{result[1]}"
            ) from None
        return result[1]

    def wait_until_succeeds(self, command: str, timeout: int = 900) -> str:
        return self._wait(command, timeout, ends_well=True)

    def wait_until_fails(self, command: str, timeout: int = 900) -> str:
        return self._wait(command, timeout, ends_well=False)

    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = 900) -> None:
        self.log(f"waiting for unit {unit}")

        def attempt() -> bool:
            info = self.get_unit_info(unit, user)
            state = info["ActiveState"]
            if state == "failed":
                raise ScenarioError(f'unit "{unit}" reached state "failed"\n{self._journal(unit)}')
            if state == "inactive":
                jobs = self._ask("systemctl list-jobs --full 2>&1")[1]
                if "No jobs" in jobs:
                    # The unit may have started meanwhile.
                    state = self.get_unit_info(unit, user)["ActiveState"]
                    if state == "inactive":
                        raise ScenarioError(
                            f'unit "{unit}" is inactive and there are no pending jobs\n'
                            f"{self._journal(unit)}"
                        )
            return state == "active"

        self._retry(f"unit {unit} to be active", timeout, attempt)

    def _journal(self, unit: str) -> str:
        quoted = shlex.quote(unit)
        return self._ask(f"journalctl --boot --no-pager --lines=25 --unit={quoted}")[1]

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        probe = f"timeout 2 bash -c ': </dev/tcp/{addr}/{port}' 2>/dev/null"
        self._retry(f"port {port} open", timeout, lambda: self._ask(probe)[0] == 0)

    def wait_for_closed_port(self, port: int, addr: str = "localhost", timeout: int = 900) -> None:
        probe = f"timeout 2 bash -c ': </dev/tcp/{addr}/{port}' 2>/dev/null"
        self._retry(f"port {port} closed", timeout, lambda: self._ask(probe)[0] != 0)

    def wait_for_file(self, filename: str, timeout: int = 900) -> None:
        probe = f"test -e {shlex.quote(filename)}"
        self._retry(f"file {filename}", timeout, lambda: self._ask(probe)[0] == 0)

    def wait_for_console_text(self, regex: str, timeout: int | None = None) -> None:
        def attempt() -> bool:
            text = self._container.console.read_text(errors="replace")
            return re.search(regex, text) is not None

        self._retry(f"/{regex}/ on the console", 900 if timeout is None else timeout, attempt)

    def console_is_free_of(self, words: str) -> None:
        """Fails if the console has shown this text since the first boot."""
        lines = self._container.console.read_text(errors="replace").splitlines()
        if found := [line for line in lines if words in line]:
            raise ScenarioError("\n".join(found))

    def systemctl(self, q: str, user: str | None = None) -> tuple[int, str]:
        _no(user)
        return self.execute(f"systemctl {q}")

    def get_unit_info(self, unit: str, user: str | None = None) -> dict[str, str]:
        _no(user)
        code, text = self._ask(f"systemctl --no-pager show {shlex.quote(unit)}")
        if code:
            raise ScenarioError(f'systemctl show "{unit}" failed (exit code {code})')
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def get_unit_property(self, unit: str, property: str, user: str | None = None) -> str:
        return self.get_unit_info(unit, user)[property]

    def require_unit_state(self, unit: str, require_state: str = "active") -> None:
        state = self.get_unit_property(unit, "ActiveState")
        if state != require_state:
            raise ScenarioError(
                f'unit "{unit}" is to be {require_state} but is {state}\n{self._journal(unit)}'
            )

    def start_job(self, jobname: str, user: str | None = None) -> tuple[int, str]:
        return self.systemctl(f"start {shlex.quote(jobname)}", user)

    def stop_job(self, jobname: str, user: str | None = None) -> tuple[int, str]:
        return self.systemctl(f"stop {shlex.quote(jobname)}", user)

    def copy_from_host(self, source: str, target: str) -> None:
        self.start()
        inside = Path(f"/proc/{self._container.leader()}/root") / target.lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        if Path(source).is_dir():
            shutil.copytree(source, inside, dirs_exist_ok=True)
        else:
            shutil.copy(source, inside)

    def shutdown(self) -> None:
        self.log("shutting down")
        self._container.end()

    def crash(self) -> None:
        self.log("pulling the plug")
        self._container.kill()

    def reboot(self) -> None:
        if not self._reboots:
            raise ScenarioError("a machine reboots only if it was started with allow_reboot=True")
        self.log("rebooting")
        self._container.end()
        self._container.boot()

    def log(self, msg: str) -> None:
        print(f"{self.name}: {msg}", file=sys.stderr, flush=True)


def _no(user: str | None) -> None:
    if user is not None:
        raise NotImplementedError("users have no systemd of their own here")


def _timed(timeout: int | None) -> str:
    return "" if timeout is None else f"timeout --kill-after=5 {timeout}"


@contextlib.contextmanager
def subtest(name: str) -> Iterator[None]:
    """A `driver.Subtest`."""
    print(f"== {name}", file=sys.stderr, flush=True)
    start = time.monotonic()
    try:
        yield
    except Exception as error:
        error.add_note(f"in the subtest: {name}")
        raise
    print(f"== {name}: {time.monotonic() - start:.1f} s", file=sys.stderr, flush=True)
