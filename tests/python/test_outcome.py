"""Lost responses: an error reports that its outcome is unknown, in Python and on the command line,
so that a loop on ``retryable`` writes no row twice."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import lakewright
import pyarrow as pa
import pytest
from conftest import Server
from proxy import Proxy

COLUMNS = {"id": "long"}


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.endpoint) as running:
        yield running


@pytest.fixture
def behind(server: Server, proxy: Proxy) -> lakewright.Lake:
    """A lake whose requests go through the proxy and are not retried below the operation."""
    return lakewright.connect(
        proxy.endpoint,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        retries=0,
    )


def row(number: int) -> pa.Table:
    return pa.table({"id": pa.array([number], pa.int64())})


def ids(table: lakewright.Table) -> list[int]:
    return sorted(pa.table(table).column("id").to_pylist())


def append_while_retryable(
    table: lakewright.Table, number: int
) -> lakewright.LakewrightError | None:
    """The loop that users write. Returns the error that ended it."""
    while True:
        try:
            table.append(row(number))
        except lakewright.LakewrightError as error:
            if not error.retryable:
                return error
        else:
            return None


def assert_unknown(error: lakewright.LakewrightError) -> None:
    assert (error.retryable, error.outcome_unknown) == (False, True)
    assert "not known" in str(error)
    values = error.to_dict()
    assert (values["retryable"], values["outcome_unknown"]) == (False, True)
    again = pickle.loads(pickle.dumps(error))
    assert (again.retryable, again.outcome_unknown) == (False, True)
    assert again.to_dict() == values


def test_a_lost_unreadable_commit(
    raw: lakewright.Bucket, proxy: Proxy, behind: lakewright.Lake
) -> None:
    uri = f"{raw.name}/t"
    direct = raw.lake.create_table(uri, COLUMNS)
    # Neither the response to the commit nor the entry that is read back arrives.
    proxy.lose("_delta_log/00000000000000000001.json")
    with pytest.raises(lakewright.UnavailableError) as caught:
        behind.table(uri).append(row(1))
    assert proxy.lost > 1
    assert_unknown(caught.value)
    assert (caught.value.operation, caught.value.resource) == ("append", f"s3://{uri}")
    assert "version 1" in str(caught.value)
    assert ids(direct) == [1]


async def test_a_lost_unreadable_commit_async(
    raw: lakewright.Bucket, proxy: Proxy, behind: lakewright.Lake
) -> None:
    uri = f"{raw.name}/t"
    raw.lake.create_table(uri, COLUMNS)
    proxy.lose("_delta_log/00000000000000000001.json")
    with pytest.raises(lakewright.UnavailableError) as caught:
        await behind.table(uri).overwrite_async(row(1))
    assert_unknown(caught.value)


def test_a_lost_conditional_put(
    raw: lakewright.Bucket, proxy: Proxy, behind: lakewright.Lake
) -> None:
    through = behind.bucket(raw.name)
    for key, data in [("lock", b"mine"), ("large", bytes(2 << 20))]:
        proxy.lose(f"PUT /{raw.name}/{key}", 1)
        with pytest.raises(lakewright.UnavailableError) as caught:
            through.put(key, data, if_none_match="*")
        assert_unknown(caught.value)
        assert bytes(raw.get(key)) == data
    assert proxy.lost == 2
    # An unconditional PUT has the same result when it is repeated.
    proxy.lose(f"PUT /{raw.name}/plain", 1)
    with pytest.raises(lakewright.UnavailableError) as caught:
        through.put("plain", b"x")
    assert (caught.value.retryable, caught.value.outcome_unknown) == (True, False)


def test_a_conditional_put_that_was_not_sent() -> None:
    lake = lakewright.connect("http://127.0.0.1:9", anonymous=True, retries=0)
    with pytest.raises(lakewright.UnavailableError) as caught:
        lake.bucket("raw").put("lock", b"", if_none_match="*")
    assert (caught.value.retryable, caught.value.outcome_unknown) == (True, False)


def test_a_loop_on_retryable_writes_no_row_twice(
    raw: lakewright.Bucket, proxy: Proxy, behind: lakewright.Lake
) -> None:
    uri = f"{raw.name}/t"
    direct = raw.lake.create_table(uri, COLUMNS)
    table = behind.table(uri)
    unknown, done = set(), set()
    faults = [("PUT /", 1), ("GET /", 2), (".parquet", 1), ("_delta_log/0", 1), ("PUT /", 4)]
    for number, (pattern, times) in enumerate(faults):
        proxy.lose(pattern, times)
        error = append_while_retryable(table, number)
        if error is None:
            done.add(number)
        else:
            assert_unknown(error)
            unknown.add(number)
    version = direct.version() + 1
    proxy.lose(f"_delta_log/{version:020}.json")
    error = append_while_retryable(table, 100)
    assert error is not None
    assert_unknown(error)
    unknown.add(100)
    assert proxy.lost >= len(faults)
    counted = Counter(ids(direct))
    assert set(counted.values()) == {1}, counted
    assert done <= set(counted) <= done | unknown


@pytest.fixture
def cli(server: Server, proxy: Proxy, tmp_path: Path) -> object:
    module = pytest.importorskip("test_cli")
    env = module.clean_env(tmp_path) | {
        "LAKEWRIGHT_ENDPOINT": proxy.endpoint,
        "LAKEWRIGHT_ACCESS_KEY_ID": server.access_key_id,
        "LAKEWRIGHT_SECRET_ACCESS_KEY": server.secret_access_key,
        "LAKEWRIGHT_RETRIES": "0",
    }
    return module.Cli(env, tmp_path)


def test_the_command_reports_an_unknown_outcome(
    raw: lakewright.Bucket, proxy: Proxy, cli: object, tmp_path: Path
) -> None:
    uri = f"{raw.name}/t"
    direct = raw.lake.create_table(uri, COLUMNS)
    (tmp_path / "rows.csv").write_text("id\n1\n")
    (tmp_path / "file").write_text("mine")
    proxy.lose("_delta_log/00000000000000000001.json")
    proxy.lose(f"PUT /{raw.name}/lock", 1)
    # The loop of a script: run the command again while its error is retryable.
    for arguments in [
        ("table", "append", uri, "rows.csv"),
        ("object", "put", "file", f"{raw.name}/lock", "--if-absent"),
    ]:
        while True:
            done = cli.run(*arguments, "--json", code=1)  # type: ignore[attr-defined]
            error = json.loads(done.stderr.splitlines()[-1])
            if not error["retryable"]:
                break
        assert (error["code"], error["outcome_unknown"]) == ("unavailable", True)
        assert b"not known" in done.stderr
    assert ids(direct) == [1]
    assert bytes(raw.get("lock")) == b"mine"
    refused = cli.run("bucket", "head", "no-such-bucket-here", "--json", code=1)  # type: ignore[attr-defined]
    assert json.loads(refused.stderr.splitlines()[-1])["outcome_unknown"] is False
