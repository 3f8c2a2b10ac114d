"""Servers to test against, and a lake on each.

``LAKEWRIGHT_TEST_MINIO`` is the path of a minio binary; ``LAKEWRIGHT_TEST_S3_URL`` (with
``LAKEWRIGHT_TEST_ACCESS_KEY_ID`` and ``LAKEWRIGHT_TEST_SECRET_ACCESS_KEY``) replaces all servers.
A test whose requirement is missing is skipped, or fails if ``LAKEWRIGHT_TEST_REQUIRE`` (a list
separated by commas) names the requirement.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lakewright
import pytest

REQUIRED = set(filter(None, os.environ.get("LAKEWRIGHT_TEST_REQUIRE", "").split(",")))
EXTERNAL = os.environ.get("LAKEWRIGHT_TEST_S3_URL")
SERVERS = ["external"] if EXTERNAL else ["embedded", "minio"]


@dataclass(frozen=True)
class Server:
    """The endpoint and the credentials of a server."""

    name: str
    endpoint: str
    access_key_id: str
    secret_access_key: str

    def connect(self, **more: object) -> lakewright.Lake:
        """Returns a lake with the server's credentials."""
        return lakewright.connect(
            self.endpoint,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            **more,  # type: ignore[arg-type]
        )


def missing(what: str, why: str) -> None:
    """Skips the test, or fails it where ``LAKEWRIGHT_TEST_REQUIRE`` names the requirement."""
    if what in REQUIRED:
        pytest.fail(f"{what} is required: {why}")
    pytest.skip(f"{what}: {why}")


def free_port() -> int:
    """Returns a port on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def minio(folder: Path) -> Iterator[Server]:
    """Runs a MinIO on loopback, without the environment of this process."""
    binary = os.environ.get("LAKEWRIGHT_TEST_MINIO")
    if not binary or not Path(binary).exists():
        missing("minio", "LAKEWRIGHT_TEST_MINIO names no binary")
        return
    user, password = f"test{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    address = f"127.0.0.1:{free_port()}"
    (folder / "home").mkdir()
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(binary, "server", "--address", address),
                *("--console-address", f"127.0.0.1:{free_port()}", str(folder / "data")),
            ],
            env={
                "MINIO_ROOT_USER": user,
                "MINIO_ROOT_PASSWORD": password,
                "HOME": str(folder / "home"),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{address}/minio/health/cluster", timeout=2)
                break
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"minio does not start: {(folder / 'log').read_text()}")
            time.sleep(0.1)
        yield Server("minio", f"http://{address}", user, password)
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def embedded_or_external(folder: Path) -> Iterator[Server]:
    """Runs an embedded server, unless the environment names another server."""
    if EXTERNAL:
        keys = ("LAKEWRIGHT_TEST_ACCESS_KEY_ID", "LAKEWRIGHT_TEST_SECRET_ACCESS_KEY")
        yield Server("external", EXTERNAL, *(os.environ[key] for key in keys))
        return
    with lakewright.EmbeddedServer(folder, durable=False) as running:
        yield Server(
            "embedded", running.endpoint, running.access_key_id, running.secret_access_key()
        )


@pytest.fixture(scope="session", params=SERVERS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Runs each server in turn."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "minio":
        with minio(folder) as running:
            yield running
    else:
        with embedded_or_external(folder) as running:
            yield running


@pytest.fixture(scope="session")
def lake(server: Server) -> lakewright.Lake:
    """A lake on the server."""
    return server.connect()


@pytest.fixture
def raw(lake: lakewright.Lake) -> Iterator[lakewright.Bucket]:
    """An empty bucket that is deleted afterwards."""
    bucket = lake.create_bucket(f"t-{uuid.uuid4().hex[:16]}")
    yield bucket
    bucket.delete_many([info.key for info in bucket.list()])
    lake.delete_bucket(bucket.name)


@pytest.fixture
def secret_files(server: Server, tmp_path: Path) -> dict[str, object]:
    """Arguments of connect whose secrets are references, so that a lake may be pickled."""
    for name in ("access_key_id", "secret_access_key"):
        file = tmp_path / name
        file.touch(0o600)
        file.write_text(getattr(server, name))
    return {
        "endpoint": server.endpoint,
        "access_key_id": {"file": str(tmp_path / "access_key_id")},
        "secret_access_key": {"file": str(tmp_path / "secret_access_key")},
    }


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides the profiles and credentials of the user who runs the tests."""
    for name in os.environ:
        settings = name.startswith(("AWS_", "LAKEWRIGHT_"))
        if settings and not name.startswith("LAKEWRIGHT_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LAKEWRIGHT_PROFILES_FILE", str(tmp_path / "profiles.toml"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
