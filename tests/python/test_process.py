"""Threads, the GIL, signals, forks, pickles, secrets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lakewright
import pyarrow
import pytest


@pytest.fixture
def silent() -> Any:
    """An endpoint that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_threads_share_everything(raw: lakewright.Bucket) -> None:
    def work(n: int) -> bytes:
        raw.put(f"k{n}", str(n).encode())
        return bytes(raw.get(f"k{n}"))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(64))) == [str(n).encode() for n in range(64)]
    listing = raw.list(page_size=5)
    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(lambda _: [o.key for o in listing], range(4)))
    assert sorted(key for share in shares for key in share) == sorted(f"k{n}" for n in range(64))


def test_the_gil_is_free_while_waiting(silent: str) -> None:
    lake = lakewright.connect(silent, anonymous=True, retries=0, read_timeout=1, timeout=1)
    waiting = threading.Event()
    ended: list[BaseException] = []

    def wait() -> None:
        waiting.set()
        try:
            lake.buckets()
        except lakewright.LakewrightError as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    steps = 0
    while thread.is_alive():
        steps += 1
        time.sleep(0.001)
    assert steps > 100
    assert isinstance(ended[0], TimeoutError)


def test_the_progress_bar_of_a_failed_transfer_is_closed(
    silent: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").write_bytes(bytes(1000))
    lake = lakewright.connect(silent, anonymous=True, retries=0, read_timeout=1, timeout=1)
    with pytest.raises(TimeoutError):
        lake.bucket("raw").upload(tmp_path / "in", "k", progress=True)
    shown = capsys.readouterr().err
    assert shown.startswith("\r")
    assert shown.endswith("\n")


@pytest.mark.parametrize(
    "call",
    [
        "lake.buckets()",
        "lake.bucket('raw').put('k', bytes(64 << 20))",
        "list(lake.bucket('raw').list())",
        "list(lake.table('raw/t').scan())",
    ],
)
def test_ctrl_c_ends_a_call_at_once(silent: str, call: str) -> None:
    program = f"""
        import lakewright, sys
        lake = lakewright.connect({silent!r}, anonymous=True, timeout=60, read_timeout=60)
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            sys.exit(77)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == 77
    assert time.monotonic() - sent < 3


def test_ctrl_c_leaves_no_incomplete_upload(
    server: Any, raw: lakewright.Bucket, tmp_path: Path
) -> None:
    raw.put("old", os.urandom(1 << 20))
    program = f"""
        import lakewright, sys, time
        lake = lakewright.connect(
            {server.endpoint!r}, access_key_id=sys.argv[1], secret_access_key=sys.argv[2]
        )
        def slowly():
            print("ready", flush=True)
            while True:
                yield bytes(6 << 20)
                time.sleep(0.1)
        try:
            lake.bucket({raw.name!r}).put("half", slowly(), part_bytes=5 << 20)
        except KeyboardInterrupt:
            sys.exit(77)
    """
    child = subprocess.Popen(
        [
            *(sys.executable, "-c", textwrap.dedent(program)),
            *(server.access_key_id, server.secret_access_key),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    assert child.wait(20) == 77
    assert [o.key for o in raw.list()] == ["old"]
    boto3 = pytest.importorskip("boto3")
    s3 = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name="us-east-1",
    )
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=raw.name, Prefix="half")


async def test_a_cancelled_call_ends(silent: str) -> None:
    lake = lakewright.connect(silent, anonymous=True, timeout=60)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lake.buckets_async(), 0.2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_call_after_a_fork_is_refused(raw: lakewright.Bucket) -> None:
    raw.put("k", b"x")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        message = "no error"
        try:
            raw.get("k")
        except lakewright.UnsupportedError as error:
            message = str(error)
        os.write(write, message.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert "fork" in os.read(read, 4096).decode()
    assert raw.get("k") == b"x"


def test_a_fork_before_the_first_call_is_fine(server: Any) -> None:
    program = """
        import lakewright, os, sys
        child = os.fork()
        lake = lakewright.connect(
            sys.argv[1], access_key_id=sys.argv[2], secret_access_key=sys.argv[3]
        )
        lake.buckets()
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    keys = (server.endpoint, server.access_key_id, server.secret_access_key)
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), *keys], check=True, timeout=60)


def _size(bucket: lakewright.Bucket) -> int:
    return len(bucket.get("k"))


def test_handles_are_pickled_with_references_to_secrets(
    raw: lakewright.Bucket, secret_files: dict[str, Any]
) -> None:
    raw.put("k", b"12345")
    lake = lakewright.connect(**secret_files)
    for handle in (
        lake,
        lake.bucket(raw.name),
        lake.table("raw/t"),
        lake.table("raw/t").at(version=3),
        lake.table("raw/t").at(time="2026-01-01T00:00:00Z"),
        lakewright.Profile(**secret_files),
        lakewright.Secret.env("KEY"),
    ):
        pickled = pickle.dumps(handle)
        assert repr(pickle.loads(pickled)) == repr(handle)
    assert raw.lake.storage_options()["aws_secret_access_key"].encode() not in pickle.dumps(lake)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pool.submit(_size, lake.bucket(raw.name)).result(60) == 5


def test_handles_with_literal_secrets_are_not_pickled(raw: lakewright.Bucket) -> None:
    for handle in (
        raw.lake,
        raw,
        raw.lake.table("raw/t"),
        raw.lake.profile,
        lakewright.Secret("x"),
    ):
        with pytest.raises(lakewright.InvalidInputError, match="secret"):
            pickle.dumps(handle)


def test_a_closed_lake_refuses(secret_files: dict[str, Any]) -> None:
    with lakewright.connect(**secret_files) as lake:
        raw, table = lake.bucket("raw"), lake.table("raw/t")
        lake.buckets()
    for call in (lake.buckets, lambda: raw.put("k", b""), table.exists, raw.list):
        with pytest.raises(lakewright.InvalidInputError, match="closed"):
            call()
    lake.close()


def test_a_read_continues_after_close(raw: lakewright.Bucket, server: Any) -> None:
    with server.connect() as lake:
        table = lake.create_table(f"{raw.name}/t", {"n": "long"})
        for n in range(3):
            table.append(pyarrow.table({"n": [n]}))
        scan, query = table.scan(), lake.sql("SELECT n FROM t", tables={"t": table})
        reading, exported = iter(scan), pyarrow.RecordBatchReader.from_stream(scan)
        rows = pyarrow.record_batch(next(reading))["n"].to_pylist()
    for batch in reading:
        rows += pyarrow.record_batch(batch)["n"].to_pylist()
    assert sorted(rows) == sorted(exported.read_all()["n"].to_pylist()) == [0, 1, 2]
    for again in (scan, query, table):
        with pytest.raises(lakewright.InvalidInputError, match="closed"):
            pyarrow.table(again)
    with pytest.raises(lakewright.InvalidInputError, match="closed"):
        raw.lake.table(f"{raw.name}/t").append(scan)


def test_close_ends_the_server_behind_a_lake(tmp_path: Path) -> None:
    lake = lakewright.connect(f"embedded:{tmp_path}")
    raw = lake.create_bucket("raw")
    table = lake.create_table("raw/t", {"n": "long"})
    scan = table.scan()
    listing = raw.list()
    lake.close()
    # Handles that still exist do not keep the server running.
    with lakewright.EmbeddedServer(tmp_path):
        pass
    for call in (scan.schema, table.version, raw.list):
        with pytest.raises(lakewright.InvalidInputError, match="closed"):
            call()
    del listing


async def test_hundreds_of_generators_leave_room_for_others(raw: lakewright.Bucket) -> None:
    go = threading.Event()

    def late(n: int) -> Iterator[bytes]:
        go.wait(60)
        yield str(n).encode()

    puts = [asyncio.ensure_future(raw.put_async(f"k{n:03}", late(n))) for n in range(600)]
    try:
        await asyncio.wait_for(raw.lake.buckets_async(), 20)
    finally:
        go.set()
    assert [info.key for info in await asyncio.gather(*puts)] == [f"k{n:03}" for n in range(600)]
    assert raw.get("k599") == b"599"


def test_profiles(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles.toml").write_text(
        f'[one]\nendpoint = "{server.endpoint}"\nanonymous = true\n'
    )
    assert lakewright.connect(profile="one").profile.endpoint == server.endpoint
    profile = {"endpoint": server.endpoint, "anonymous": True, "timeout": 2.5}
    lake = lakewright.connect(profile=profile)
    assert lake.profile.timeout == 2.5
    whole = lakewright.Profile(**profile)
    assert lakewright.connect(profile=whole).profile == lake.profile
    assert whole == lakewright.Profile(**whole.to_dict())
    assert len({whole, lakewright.Profile(**whole.to_dict())}) == 1
    with pytest.raises(lakewright.InvalidInputError):
        lakewright.connect("http://other", profile=profile)
    shown = lakewright.Profile(server.endpoint, access_key_id="me", secret_access_key="x").to_dict()
    with pytest.raises(lakewright.InvalidInputError, match="not shown"):
        lakewright.connect(profile=shown)
    monkeypatch.setenv("LAKEWRIGHT_ENDPOINT", server.endpoint)
    monkeypatch.setenv("LAKEWRIGHT_ANONYMOUS", "true")
    assert lakewright.connect().profile.anonymous


def test_no_secret_is_shown(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = server.secret_access_key
    lake = server.connect(session_token=None)
    wrong = lakewright.connect(
        server.endpoint, access_key_id=server.access_key_id, secret_access_key=secret + "x"
    )
    shown = []
    with pytest.raises(lakewright.LakewrightError) as caught:
        wrong.buckets()
    shown += [str(caught.value), repr(caught.value), repr(caught.value.to_dict())]
    with pytest.raises(lakewright.ConfigError) as caught_too:
        lakewright.connect(f"http://user:{secret}@127.0.0.1:1", anonymous=True)
    shown.append(repr(caught_too.value))
    for value in (
        lake,
        lake.profile,
        lake.profile.to_dict(),
        lake.bucket("raw"),
        lake.table("raw/t"),
        lakewright.Secret(secret),
        str(lakewright.Secret(secret)),
        lakewright.Profile(secret_access_key=secret),
        *lake.buckets(),
    ):
        shown.append(repr(value))
    shown.append(caplog.text)
    assert not [text for text in shown if secret in text]
    assert lake.storage_options()["aws_secret_access_key"] == secret
    gc.collect()


def test_embedded(tmp_path: Path) -> None:
    with lakewright.connect(f"embedded:{tmp_path}") as lake:
        lake.create_bucket("raw").put("k", b"x")
        with pytest.raises(lakewright.AlreadyExistsError):
            lakewright.EmbeddedServer(tmp_path)
        assert lakewright.connect(f"embedded:{tmp_path}").bucket("raw").get("k") == b"x"
        again = pickle.loads(pickle.dumps(lake))
        assert again.bucket("raw").get("k") == b"x"
    del lake, again
    gc.collect()
    server = lakewright.EmbeddedServer(tmp_path)
    assert server.secret_access_key() not in repr(server)
    server.close()
    with pytest.raises(lakewright.InvalidInputError):
        server.secret_access_key()
    with pytest.raises(lakewright.InvalidInputError):
        lakewright.EmbeddedServer(tmp_path, listen="0.0.0.0:0")


def test_a_relative_directory_is_the_same_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with lakewright.connect("embedded:./data") as lake:
        lake.create_bucket("raw").put("k", b"x")
        pickled = pickle.dumps(lake)
        monkeypatch.chdir(tmp_path / "elsewhere")
        with pickle.loads(pickled) as again:
            assert again.bucket("raw").get("k") == b"x"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_console_script(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "lakewright"]
    version = subprocess.run([*run, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("lakewright ")
    assert subprocess.run([*run, "no-such-noun"], capture_output=True).returncode == 2


def test_the_console_script_keeps_its_files_apart(
    raw: lakewright.Bucket, server: Any, tmp_path: Path
) -> None:
    """With stdin, stdout and stderr closed, no file or socket may take their place."""
    data = os.urandom(1 << 20)
    (tmp_path / "in").write_bytes(data)
    env = {
        "LAKEWRIGHT_ENDPOINT": server.endpoint,
        "LAKEWRIGHT_ACCESS_KEY_ID": server.access_key_id,
        "LAKEWRIGHT_SECRET_ACCESS_KEY": server.secret_access_key,
    }
    for command in (f"put in {raw.name}/k", f"get {raw.name}/k out"):
        line = f"exec {sys.executable} -m lakewright -vv object {command} <&- >&- 2>&-"
        subprocess.run(["sh", "-c", line], cwd=tmp_path, env=os.environ | env, check=True)
    assert raw.get("k") == data
    assert (tmp_path / "out").read_bytes() == data


@pytest.fixture
def stuck(server: Any) -> Any:
    """A proxy to the server that stops forwarding when a data file is requested."""
    host, port = server.endpoint.split("://")[1].split(":")
    hung: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket, watch: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if watch and b".parquet" in data and data.startswith(b"GET"):
                    hung.append(source)
                    return
                target.sendall(data)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.create_connection((host, int(port)))
                for pair in ((client, behind, True), (behind, client, False)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", hung
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("consumer", "code"),
    # Other libraries raise an exception of their own for the error of a stream.
    [
        ("list(scan)", 77),
        ("pyarrow.table(scan)", 1),
        ("polars.DataFrame(scan)", 1),
        # KeyboardInterrupt is raised afterwards, even where that exception is caught.
        ("quietly(pyarrow.table, scan)", 77),
    ],
)
def test_ctrl_c_ends_an_export(
    server: Any, raw: lakewright.Bucket, stuck: Any, consumer: str, code: int
) -> None:
    import pyarrow

    endpoint, hung = stuck
    table = raw.lake.create_table(f"{raw.name}/t", {"n": "long"})
    table.append(pyarrow.table({"n": list(range(1000))}))
    program = f"""
        import contextlib, lakewright, polars, pyarrow, sys
        lake = lakewright.connect(
            {endpoint!r}, access_key_id=sys.argv[1], secret_access_key=sys.argv[2]
        )
        scan = lake.table({raw.name + "/t"!r}).scan()
        def quietly(consumer, scan):
            with contextlib.suppress(ValueError, OSError):
                consumer(scan)
        print("ready", flush=True)
        try:
            {consumer}
        except KeyboardInterrupt:
            sys.exit(77)
    """
    child = subprocess.Popen(
        [
            *(sys.executable, "-c", textwrap.dedent(program)),
            *(server.access_key_id, server.secret_access_key),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 20
    while not hung and time.monotonic() < deadline:
        time.sleep(0.05)
    assert hung
    time.sleep(0.3)
    sent = time.monotonic()
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == code
    assert time.monotonic() - sent < 3


def test_the_end_of_the_interpreter_is_quiet(server: Any, raw: lakewright.Bucket) -> None:
    program = """
        import asyncio, lakewright, sys
        lake = lakewright.connect(
            sys.argv[1], access_key_id=sys.argv[2], secret_access_key=sys.argv[3]
        )
        bucket = lake.bucket(sys.argv[4])
        bucket.put("k", iter([b"x"]))
        async def main():
            await asyncio.gather(*(bucket.get_async("k") for _ in range(20)))
            left = asyncio.ensure_future(bucket.get_async("k"))
        asyncio.run(main())
    """
    keys = (server.endpoint, server.access_key_id, server.secret_access_key, raw.name)
    for _ in range(5):
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), *keys], capture_output=True, timeout=60
        )
        assert (ended.returncode, ended.stderr) == (0, b"")
