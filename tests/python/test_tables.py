"""Tables and scans: every verb, blocking and async, on every server."""

from __future__ import annotations

import asyncio
import ctypes
import datetime
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lakewright
import pyarrow as pa
import pytest

COLUMNS = {"month": "integer", "carrier": "string", "delay": "double"}


def rows(n: int, month: int = 1) -> pa.Table:
    return pa.table(
        {
            "month": pa.array([month] * n, pa.int32()),
            "carrier": [f"c{i % 3}" for i in range(n)],
            "delay": pa.array([float(i) if i % 5 else None for i in range(n)], pa.float64()),
        }
    )


@pytest.fixture
def flights(raw: lakewright.Bucket) -> lakewright.Table:
    return raw.lake.create_table(f"{raw.name}/flights", COLUMNS, partition_by=["month"])


def test_every_verb(raw: lakewright.Bucket) -> None:
    lake, uri = raw.lake, f"{raw.name}/flights"
    assert not lake.table(uri).exists()
    flights = lake.create_table(
        uri, COLUMNS, partition_by=["month"], properties={"delta.appendOnly": "false"},
        name="flights", description="what flew",
    )  # fmt: skip
    with pytest.raises(lakewright.AlreadyExistsError):
        lake.create_table(uri, COLUMNS)
    same = lake.create_table(uri, pa.schema(flights), partition_by=["month"], exist_ok=True)
    assert (same.uri, same.name) == (f"s3://{uri}", "flights")
    commit = flights.append(rows(10))
    assert (commit.version, commit.rows, commit.files_added) == (1, 10, 1)
    flights.append(rows(5, month=2))
    assert flights.version() == same.version() == 2
    commit = flights.overwrite(rows(1), replace_where="month = 1")
    assert (commit.rows, commit.files_removed) == (1, 1)
    assert pa.table(flights).num_rows == 6
    assert pa.table(flights.at(version=1)).num_rows == 10
    before = flights.history(limit=2)[1].timestamp
    assert before is not None
    assert pa.table(flights.at(time=before)).num_rows == 15
    assert pa.table(flights.at(time=before.isoformat())).num_rows == 15
    assert flights.schema().to_dict() == COLUMNS
    assert flights.schema().names == list(COLUMNS)
    details = flights.details()
    assert (details.name, details.description) == ("flights", "what flew")
    assert (details.partition_by, details.version) == (["month"], 3)
    assert [c.version for c in flights.history()] == [3, 2, 1, 0]
    assert {f.partition_values["month"] for f in flights.files()} == {"1", "2"}
    scan = flights.scan(columns=["delay", "carrier"], where="month = 2 AND delay > 1", limit=2)
    assert pa.table(scan).column_names == scan.schema().names == ["delay", "carrier"]
    assert pa.table(scan).num_rows == 2
    query = lake.sql("SELECT count(*) AS n FROM f", tables={"f": flights})
    assert pa.table(query).to_pydict() == {"n": [6]}
    assert [t.uri for t in lake.tables(f"{raw.name}/")] == [f"s3://{uri}"]
    assert lake.drop_table(uri) > 0
    assert not lake.table(uri).exists()
    with pytest.raises(lakewright.NotFoundError):
        lake.table(uri).version()


def test_an_old_handle_of_a_dropped_table_fails(flights: lakewright.Table) -> None:
    flights.append(rows(1))
    flights.lake.drop_table(flights.uri)
    assert not flights.exists()
    with pytest.raises(lakewright.NotFoundError):
        flights.version()


async def test_every_twin(raw: lakewright.Bucket) -> None:
    lake, uri = raw.lake, f"{raw.name}/flights"
    flights = await lake.create_table_async(uri, COLUMNS, partition_by=["month"])
    assert (await flights.append_async(rows(10))).rows == 10
    assert (await flights.overwrite_async(rows(3, 2), replace_where="month = 2")).rows == 3
    assert await flights.exists_async()
    assert await flights.version_async() == 2
    assert (await flights.schema_async()) == flights.schema()
    assert (await flights.details_async()).version == 2
    assert len(await flights.history_async(limit=1)) == 1
    assert len(await flights.files_async()) == 2
    assert (await flights.scan().schema_async()).names == list(COLUMNS)
    assert sum([batch.num_rows async for batch in flights.scan()]) == 13
    assert [t.uri for t in await lake.tables_async(raw.name)] == [flights.uri]
    assert (await lake.storage_options_async())["aws_region"]
    assert await lake.drop_table_async(uri) > 0


def test_own_scan_into_own_append(flights: lakewright.Table) -> None:
    flights.append(rows(10))
    assert flights.append(flights.scan()).rows == 10
    assert flights.append(flights).rows == 20
    assert flights.append(pa.RecordBatchReader.from_stream(flights.scan())).rows == 40
    assert pa.table(flights.scan()).num_rows == 80


async def test_own_scan_into_own_append_awaited(flights: lakewright.Table) -> None:
    await flights.append_async(rows(10))
    assert (await flights.append_async(flights.scan())).rows == 10
    reader = pa.RecordBatchReader.from_stream(flights.scan())
    assert (await flights.append_async(reader)).rows == 20


def test_a_python_generator_as_a_reader(flights: lakewright.Table) -> None:
    schema = rows(1).schema
    batches = (batch for n in range(20) for batch in rows(100, month=n % 2).to_batches())
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    assert flights.append(reader).rows == 2000


def test_batches(flights: lakewright.Table) -> None:
    flights.append(rows(10))
    batches = list(flights.scan())
    assert sum(map(len, batches)) == 10
    assert pa.record_batch(batches[0]).num_rows == batches[0].num_rows
    assert pa.table(batches[0]).num_columns == batches[0].num_columns == 3
    assert pa.schema(batches[0].schema).names == list(COLUMNS)
    iterator = iter(flights.scan())
    assert iter(iterator) is iterator
    flights.append(batches[0])
    assert pa.table(flights).num_rows == 20


def test_a_scan_is_read_again_and_left_in_the_middle(flights: lakewright.Table) -> None:
    flights.append(rows(10))
    scan = flights.scan()
    assert pa.table(scan).num_rows == 10
    flights.append(rows(10))
    assert pa.table(scan).num_rows == 20
    reader = pa.RecordBatchReader.from_stream(scan)
    reader.read_next_batch()
    del reader
    wider = pa.schema({"month": pa.int64(), "carrier": pa.large_string(), "delay": pa.float64()})
    assert pa.table(scan, schema=wider).schema == wider


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (pa.table({"other": [1]}), lakewright.SchemaMismatchError),
        (pa.table({"delay": ["x"]}), lakewright.SchemaMismatchError),
    ],
)
def test_data_that_does_not_match_the_schema_is_refused(
    flights: lakewright.Table, data: pa.Table, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        flights.append(data)
    assert isinstance(caught.value, ValueError)
    assert "\x1b" not in str(caught.value)
    assert flights.version() == 0


def test_missing_columns_are_filled_with_nulls(flights: lakewright.Table) -> None:
    assert flights.append(rows(2).select(["month", "carrier"])).rows == 2
    assert pa.table(flights)["delay"].null_count == 2


def test_invalid_arguments_are_refused(raw: lakewright.Bucket, flights: lakewright.Table) -> None:
    lake = raw.lake
    for bad in ("raw", "raw/../x", "file:///x", ""):
        with pytest.raises(lakewright.InvalidInputError):
            lake.table(bad)
    for schema in ({"a": "nonsense"}, {}, {"a": "array<long"}):
        with pytest.raises(lakewright.InvalidInputError):
            lake.create_table(f"{raw.name}/bad", schema)
    for wrong in ([1, 2], "text", {"a": 1}):
        with pytest.raises(TypeError):
            flights.append(wrong)  # type: ignore[arg-type]
    for where in ("no_such_column = 1", "this is no SQL"):
        with pytest.raises(lakewright.InvalidInputError):
            pa.table(flights.scan(where=where))
    with pytest.raises(lakewright.InvalidInputError):
        pa.table(flights.scan(columns=["no_such_column"]))
    with pytest.raises(lakewright.InvalidInputError):
        flights.at()
    with pytest.raises(lakewright.InvalidInputError):
        flights.at(version=1, time="2026-01-01T00:00:00Z")
    with pytest.raises(lakewright.InvalidInputError, match="time zone"):
        flights.at(time=datetime.datetime(2026, 1, 1))
    with pytest.raises(lakewright.NotFoundError):
        flights.at(version=99).version()
    with pytest.raises(lakewright.UnsupportedError):
        flights.at(version=0).append(rows(1))


def test_threads_share_a_table(flights: lakewright.Table) -> None:
    def work(n: int) -> int:
        flights.append(rows(2, month=n))
        pa.table(flights.scan(where=f"month = {n}"))
        return flights.version()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(12)))
    assert flights.version() == 12
    assert pa.table(flights).num_rows == 24


async def test_many_appends_at_once(flights: lakewright.Table) -> None:
    commits = await asyncio.gather(*(flights.append_async(rows(1)) for _ in range(8)))
    assert sorted(c.version for c in commits) == list(range(1, 9))


def test_the_gil_is_free_in_an_export(flights: lakewright.Table) -> None:
    """An export completes while another Python thread competes for the GIL."""
    flights.append(rows(50_000))
    done = threading.Event()

    def busy() -> None:
        while not done.is_set():
            sum(range(1000))

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(3):
            assert sum(b.num_rows for b in pa.RecordBatchReader.from_stream(flights)) == 50_000
    finally:
        done.set()
        thread.join()


def test_schemas_of_all_types(raw: lakewright.Bucket) -> None:
    types = {
        "a": "long", "b": "integer", "c": "short", "d": "byte", "e": "string", "f": "double",
        "g": "float", "h": "boolean", "i": "binary", "j": "date", "k": "timestamp",
        "l": "timestamp_ntz", "m": "decimal(10,2)", "n": "array<long>", "o": "map<string,double>",
        "p": "struct<x:long,y:string>", "q": "string not null",
    }  # fmt: skip
    table = raw.lake.create_table(f"{raw.name}/types", types)
    assert table.schema().to_dict() == types
    schema = table.schema()
    assert schema == lakewright.Schema(types)
    assert pickle.loads(pickle.dumps(schema)).to_dict() == types
    assert len(schema) == len(types)


def test_values(flights: lakewright.Table) -> None:
    commit = flights.append(rows(10))
    values: list[Any] = [commit, *flights.history(), *flights.files(), flights.details()]
    for value in values:
        assert pickle.loads(pickle.dumps(value)) == value
        assert hash(type(value)(**value.to_dict())) == hash(value)
        assert repr(value).startswith(type(value).__name__)


def test_a_consumer_that_holds_the_gil(flights: lakewright.Table) -> None:
    """A consumer may hold the GIL during get_next, so get_next must not need the GIL."""

    class Stream(ctypes.Structure):
        _fields_ = tuple(
            (name, ctypes.c_void_p)
            for name in ("get_schema", "get_next", "get_last_error", "release", "private_data")
        )

    class Array(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_int64),
            ("others", ctypes.c_int64 * 4),
            ("pointers", ctypes.c_void_p * 3),
            ("release", ctypes.c_void_p),
            ("private_data", ctypes.c_void_p),
        )

    for month in range(8):
        flights.append(rows(10_000, month=month))
    capsule = flights.__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    address = pointer(capsule, b"arrow_array_stream")
    stream = Stream.from_address(address)
    # PYFUNCTYPE, unlike CFUNCTYPE, keeps the GIL during the call.
    get_next = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(stream.get_next)
    count = 0
    while True:
        array = Array()
        assert get_next(address, ctypes.addressof(array)) == 0
        if not array.release:
            break
        count += array.length
        release = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(array.release)
        release(ctypes.addressof(array))
    assert count == 80_000
