"""Debian containers that boot a host of the stand-in for NixOS, systemd first.

``base`` makes a Debian tree once and keeps it; a ``Container`` is a copy of it in memory (an
overlay over a tmpfs), in namespaces of its own. All that belongs to a container (its processes, its
mounts, its memory) ends with one process, the keeper, and the keeper ends with the test run, even
if that is killed. So only an empty cgroup can remain.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SUITE = "bookworm"
# Programs that every NixOS system has, that agenix's scripts run, and that scenarios use.
PACKAGES = (
    *("systemd", "systemd-sysv", "libnss-systemd", "dbus", "util-linux", "passwd", "python3"),
    # A module that was built with a shared libpython needs this library.
    "libpython3.11",
    *("age", "ca-certificates", "curl", "iproute2", "jq", "openssl", "procps"),
)
# Runs once in the new tree. A fixed machine id and a journal on disk survive a reboot.
FINISH = """
rm -rf var/cache/apt var/lib/apt/lists usr/share/doc usr/share/locale usr/share/man
echo 6c616b65777269676874000000000001 > etc/machine-id
rm -f var/lib/dbus/machine-id etc/hostname
mkdir -p var/log/journal nix/store opt/lakewright/bin
ln -sf ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
"""
BOOT_SECONDS = 120
SHUTDOWN_SECONDS = 120
_numbers = itertools.count()


class ContainerError(Exception):
    """A container cannot be created, started or ended."""


def cache() -> Path:
    """Returns the directory that caches the Debian trees."""
    default = Path.home() / ".cache/lakewright"
    return Path(os.environ.get("LAKEWRIGHT_CACHE", default)) / "deploy"


def missing_requirement() -> str | None:
    """Returns why this machine cannot run containers, or None."""
    if os.geteuid() != 0:
        return "containers need root"
    tools = ("systemd-nspawn", "debootstrap", "unshare", "nsenter", "setpriv", "script", "mount")
    absent = [tool for tool in tools if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else None


def base() -> Path:
    """The Debian tree, made on first use. Its name is a hash of its inputs."""
    recipe = json.dumps([SUITE, PACKAGES, FINISH])
    folder = cache() / f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        half = folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        made = subprocess.run(
            [
                *("nice", "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
                *(SUITE, str(half)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode:
            tail = "\n".join(made.stdout.splitlines()[-15:])
            raise ContainerError(f"debootstrap made no Debian tree:\n{tail}")
        subprocess.run(["bash", "-euc", FINISH], cwd=half, check=True)
        half.rename(folder)
    return folder


def _sweep(folder: Path) -> None:
    """Removes the empty directories of containers whose test run was killed."""
    for left in folder.glob("lakewright-*-*-*"):
        pid = left.name.split("-")[-2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            inner = sorted((path for path in left.rglob("*") if path.is_dir()), reverse=True)
            for path in [*inner, left]:
                with contextlib.suppress(OSError):
                    path.rmdir()


def _cgroups(name: str) -> list[Path]:
    """Directories for a cgroup below the current one, in each hierarchy of systemd (one or two)."""
    own = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    folders = []
    for _, controllers, path in own:
        if controllers == "name=systemd":
            folders.append(Path("/sys/fs/cgroup/systemd"))
        elif not controllers:
            unified = Path("/sys/fs/cgroup/unified")
            folders.append(unified if unified.exists() else Path("/sys/fs/cgroup"))
        else:
            continue
        folders[-1] = folders[-1] / path.lstrip("/") / name
    return folders


class Container:
    """A machine that can be booted, run commands, be ended, and be booted again.

    ``init`` is the first program; ``binds`` are files and folders of this machine (values) that
    are seen, read-only, at a path in the container (keys).
    """

    def __init__(self, name: str, init: str, binds: Mapping[str, Path], console: Path) -> None:
        self.name = f"lakewright-{name}-{os.getpid()}-{next(_numbers)}"
        self.console = console
        self._init = init
        self._binds = {"/nix/store": Path("/nix/store"), **binds}
        self._keeper: subprocess.Popen[bytes] | None = None
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._cgroups = _cgroups(self.name)
        self._folder = Path(tempfile.gettempdir()) / self.name

    def __enter__(self) -> Container:
        tree = base()
        _sweep(self._folder.parent)
        for cgroup in self._cgroups:
            _sweep(cgroup.parent)
            cgroup.mkdir()
        self._folder.mkdir()
        # The keeper is the first process of a PID namespace: when it ends, the kernel ends all
        # others in it, and the mounts of its mount namespace go with them.
        prepare = f"""
            for cgroup in {" ".join(map(str, self._cgroups))}; do
                echo $$ > "$cgroup/cgroup.procs"
            done
            exec unshare --mount --pid --fork --kill-child --mount-proc bash -euc '
                mkdir -p /run/systemd
                mount -t tmpfs lakewright /run/systemd # nspawn leaves a directory there
                mount -t tmpfs -o mode=0755 lakewright {self._folder}
                cd {self._folder}
                mkdir upper work root
                layers=lowerdir={tree},upperdir=$PWD/upper,workdir=$PWD/work
                mount -t overlay -o "$layers" lakewright root
                echo ready
                exec sleep infinity'
        """
        self._keeper = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "bash", "-euc", prepare],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._keeper.stdout
        said = self._keeper.stdout.readline()
        if said != b"ready\n":
            rest = self._keeper.stdout.read()
            self.__exit__()
            raise ContainerError(f"no place for a container: {(said + rest).decode()}")
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._nspawn, self._keeper):
            if process:
                process.kill()
                process.wait()
        deadline = time.monotonic() + 10
        for cgroup in self._cgroups:
            folders = [cgroup, *(path for path in cgroup.rglob("*") if path.is_dir())]
            for folder in sorted(folders, reverse=True):
                # The kernel needs a moment to end the last process.
                while folder.exists() and time.monotonic() < deadline:
                    with contextlib.suppress(OSError):
                        folder.rmdir()
                        break
                    time.sleep(0.05)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _child(self, pid: int) -> int | None:
        """Returns the only child of a process."""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return int(children[0]) if children else None
        return None

    def leader(self) -> int | None:
        """Returns the container's first process, as an id of this machine; None when down."""
        pid: int | None = self._nspawn.pid if self._nspawn and self._nspawn.poll() is None else None
        # The chain is script -> sh -> nspawn -> the first process, which is in another PID
        # namespace.
        while pid and (pid := self._child(pid)):
            with contextlib.suppress(OSError):
                if len(_ns_pids(pid)) > 2:
                    return pid
        return None

    def boot(self) -> None:
        """Starts the machine and returns when its systemd responds."""
        assert self._keeper
        if self._nspawn and self._nspawn.poll() is None:
            return
        inner = self._child(self._keeper.pid)
        nspawn = [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network"),
            *(f"--machine={self.name}", f"--directory={self._folder}/root"),
            *(f"--bind-ro={host}:{inside}" for inside, host in self._binds.items()),
            self._init,
        ]
        with self.console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                [
                    *("nsenter", f"--target={inner}", "--mount", "--pid"),
                    # nspawn needs a terminal.
                    *("script", "--quiet", "--flush", "--return", "--command", _quoted(nspawn)),
                    "/dev/null",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: self._join_cgroup("."),
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline:
            if self._nspawn.poll() is not None:
                break
            if self.leader() and self.run("systemctl is-system-running", 10)[1].strip() not in (
                *("", "offline", "unknown"),
            ):
                return
            time.sleep(0.1)
        raise ContainerError(f"{self.name} does not boot; its console ends with:\n{self.tail()}")

    def _join_cgroup(self, below: str) -> None:
        """Moves this process; `payload`, once it exists, is the root for the container."""
        for cgroup in self._cgroups:
            place = cgroup / below if (cgroup / below).exists() else cgroup
            (place / "cgroup.procs").write_text("0")

    def tail(self, lines: int = 30) -> str:
        """Returns the end of the console output."""
        text = self.console.read_text(errors="replace").splitlines()
        return "\n".join(text[-lines:])

    def run(self, script: str, seconds: float | None) -> tuple[int, str]:
        """Runs a bash script as root in the machine: its exit code (124 when time ran out) and what
        it wrote to its standard output. Its standard error goes to the console's file."""
        leader = self.leader()
        if leader is None:
            raise ContainerError(f"{self.name} is not running")
        with self.console.open("ab") as console:
            process = subprocess.Popen(
                [
                    *("nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net"),
                    *("--pid", "--cgroup", "--root", "--wd"),
                    *("env", "-i", "HOME=/root", "USER=root", "TERM=dumb"),
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    *("bash", "-c", script),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=console,
                preexec_fn=lambda: self._join_cgroup("payload"),
            )
            try:
                output, _ = process.communicate(timeout=seconds)
            except BaseException as error:
                process.kill()
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    return 124, (error.output or b"").decode(errors="replace")
                raise
        return process.returncode, output.decode(errors="replace")

    def write(self, path: str, contents: bytes, mode: int) -> None:
        """Puts a file into the running machine."""
        root = Path(f"/proc/{self.leader()}/root")
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents)
        target.chmod(mode)

    def end(self) -> None:
        """Shuts the machine down in order and waits for it."""
        if leader := self.leader():
            # SIGRTMIN+4 makes systemd power off.
            os.kill(leader, signal.SIGRTMIN + 4)
        self.wait()

    def kill(self) -> None:
        """Cuts the power."""
        if leader := self.leader():
            os.kill(leader, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Waits until the machine is down."""
        if not self._nspawn:
            return
        try:
            self._nspawn.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            raise ContainerError(
                f"{self.name} does not shut down; its console ends with:\n{self.tail()}"
            ) from None


def _ns_pids(pid: int) -> list[str]:
    """Returns the ids of a process in all its PID namespaces, beginning with the outermost."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("NSpid:"):
            return line.split()[1:]
    return []


def _quoted(command: Sequence[str]) -> str:
    import shlex

    return shlex.join(command)


@contextlib.contextmanager
def booted(
    name: str, toplevel: Path, binds: Mapping[str, Path], console: Path
) -> Iterator[Container]:
    """A running host."""
    with Container(name, f"{toplevel}/init", binds, console) as container:
        container.boot()
        yield container
