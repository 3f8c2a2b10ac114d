"""Concurrent writers in processes and threads, and secrets that no log and no process shows."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lakewright
import pyarrow as pa

WRITERS, APPENDS, ROWS = 8, 3, 10

# The command logs these crates only where the filter names them.
LOUDEST = "trace," + ",".join(
    f"{crate}=trace"
    for crate in (
        *("aws_config", "aws_credential_types", "aws_runtime", "aws_sdk_s3", "aws_sigv4"),
        *("aws_smithy_http_client", "aws_smithy_runtime", "aws_smithy_runtime_api"),
        *("hyper", "hyper_util", "object_store", "deltalake_core", "delta_kernel"),
    )
)

# Each writer adds numbers that no other writer adds.
WRITER = """
import sys, lakewright, pyarrow as pa
uri, writer, appends, rows = sys.argv[1], *map(int, sys.argv[2:])
table = lakewright.connect().table(uri)
for n in range(appends):
    first = (writer * appends + n) * rows
    table.append(pa.table({"id": pa.array(range(first, first + rows), pa.int64())}))
"""


def environment(server: Any, home: Path) -> dict[str, str]:
    nowhere = str(home / "nowhere")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LAKEWRIGHT_PROFILES_FILE": nowhere,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "LAKEWRIGHT_ENDPOINT": server.endpoint,
        "LAKEWRIGHT_ACCESS_KEY_ID": server.access_key_id,
        "LAKEWRIGHT_SECRET_ACCESS_KEY": server.secret_access_key,
    }


def assert_every_row_once(table: lakewright.Table) -> None:
    """Asserts that no row is lost or doubled, and that each append made one version."""
    ids = sorted(pa.table(table)["id"].to_pylist())
    assert ids == list(range(WRITERS * APPENDS * ROWS))
    assert table.version() == WRITERS * APPENDS


def test_eight_processes_append(server: Any, raw: lakewright.Bucket, tmp_path: Path) -> None:
    table = raw.lake.create_table(f"{raw.name}/t", {"id": "long"})
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, table.uri, *map(str, (writer, APPENDS, ROWS))],
            env=environment(server, tmp_path),
            stderr=subprocess.PIPE,
            text=True,
        )
        for writer in range(WRITERS)
    ]
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS, errors
    assert_every_row_once(table)


def test_eight_threads_append(raw: lakewright.Bucket) -> None:
    table = raw.lake.create_table(f"{raw.name}/t", {"id": "long"})

    def write(writer: int) -> None:
        for n in range(APPENDS):
            first = (writer * APPENDS + n) * ROWS
            table.append(pa.table({"id": pa.array(range(first, first + ROWS), pa.int64())}))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    assert_every_row_once(table)


def test_no_secret_in_the_loudest_log(server: Any, raw: lakewright.Bucket, tmp_path: Path) -> None:
    """The log of all crates is read for a call that succeeds and for one that is refused."""
    source = tmp_path / "rows.csv"
    source.write_text("id\n1\n")
    raw.lake.create_table(f"{raw.name}/t", {"id": "long"})
    good = environment(server, tmp_path) | {"LAKEWRIGHT_LOG": LOUDEST}
    wrong = good | {"LAKEWRIGHT_SECRET_ACCESS_KEY": server.secret_access_key[:-1] + "!"}
    for env, code in ((good, 0), (wrong, 1)):
        done = subprocess.run(
            [os.environ["LAKEWRIGHT_TEST_CLI"], "table", "append", f"{raw.name}/t", str(source)],
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr[-2000:]
        assert "TRACE aws" in done.stderr, "this was not the loudest log"
        assert env["LAKEWRIGHT_SECRET_ACCESS_KEY"] not in done.stderr + done.stdout


def test_no_secret_in_process_arguments(tmp_path: Path) -> None:
    with subprocess.Popen(
        [os.environ["LAKEWRIGHT_TEST_CLI"], "--json", "embedded", "--data", str(tmp_path / "d")],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        lake = lakewright.connect(f"embedded:{tmp_path / 'd'}")
        lake.create_bucket("raw")
        secret = lake.storage_options()["aws_secret_access_key"]
        arguments = Path(f"/proc/{server.pid}/cmdline").read_text()
        environ = Path(f"/proc/{server.pid}/environ").read_text()
        assert secret not in first + arguments + environ
        for name in ("credentials.json", "socket"):
            assert (tmp_path / "d" / name).stat().st_mode & 0o077 == 0
        server.terminate()
    assert server.returncode == 0
