"""Other clients read what lakewright wrote, and lakewright reads what they wrote.

The tests compare counts, sums, schemas, partition values, nulls, nested types, timestamps and
decimals.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import lakewright
import pyarrow as pa
import pytest
from conftest import missing

TYPES = {
    "id": "long",
    "day": "date",
    "carrier": "string",
    "delay": "double",
    "at": "timestamp",
    "local": "timestamp_ntz",
    "fare": "decimal(12,2)",
    "stops": "array<string>",
    "crew": "struct<pilot:string,hours:integer>",
    "tags": "map<string,long>",
    "raw": "binary",
    "ok": "boolean",
}
ROWS = 1000
ARROW = pa.schema(
    {
        "id": pa.int64(),
        "day": pa.date32(),
        "carrier": pa.string(),
        "delay": pa.float64(),
        "at": pa.timestamp("us", "UTC"),
        "local": pa.timestamp("us"),
        "fare": pa.decimal128(12, 2),
        "stops": pa.list_(pa.string()),
        "crew": pa.struct({"pilot": pa.string(), "hours": pa.int32()}),
        "tags": pa.map_(pa.string(), pa.int64()),
        "raw": pa.binary(),
        "ok": pa.bool_(),
    }
)


def row(n: int) -> dict[str, Any]:
    """Returns a row. In every seventh row all values but the id and the partition are null."""
    day = datetime.date(2026, 1, 1) + datetime.timedelta(days=n % 3)
    if n % 7 == 0:
        return {"id": n, "day": day}
    time = datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999) + datetime.timedelta(hours=n)
    return {
        "id": n,
        "day": day,
        "carrier": f"ünï {n % 5}",
        "delay": n / 4,
        "at": time.replace(tzinfo=datetime.UTC),
        "local": time,
        "fare": Decimal(n) / 100,
        "stops": [f"s{i}" for i in range(n % 4)],
        "crew": {"pilot": f"p{n}", "hours": n},
        "tags": [("a", n)],
        "raw": n.to_bytes(4, "big"),
        "ok": n % 2 == 0,
    }


DATA = pa.Table.from_pylist([row(n) for n in range(ROWS)], schema=ARROW)


def assert_same(theirs: pa.Table) -> None:
    """Asserts that a table has the rows of DATA, in any order and with any width of strings."""
    theirs = theirs.select(ARROW.names).cast(ARROW).sort_by("id")
    assert theirs.equals(DATA)


@pytest.fixture
def written(raw: lakewright.Bucket) -> lakewright.Table:
    """A table that lakewright wrote in two commits."""
    table = raw.lake.create_table(f"{raw.name}/ours", TYPES, partition_by=["day"])
    assert table.append(DATA.slice(0, 400)).rows == 400
    assert table.append(DATA.slice(400)).rows == 600
    return table


def options(table: lakewright.Table) -> dict[str, str]:
    return table.lake.storage_options()


def test_lakewright_reads(written: lakewright.Table) -> None:
    assert_same(pa.table(written))
    assert_same(pa.table(written.scan(where="day >= '2026-01-01'")))


def test_deltalake_reads(written: lakewright.Table) -> None:
    deltalake = pytest.importorskip("deltalake")
    theirs = deltalake.DeltaTable(written.uri, storage_options=options(written))
    assert theirs.version() == 2
    assert theirs.metadata().partition_columns == ["day"]
    assert_same(theirs.to_pyarrow_table())


def test_deltalake_writes(raw: lakewright.Bucket) -> None:
    deltalake = pytest.importorskip("deltalake")
    table = raw.lake.table(f"{raw.name}/theirs")
    for part in (DATA.slice(0, 400), DATA.slice(400)):
        deltalake.write_deltalake(
            table.uri, part, mode="append", partition_by=["day"], storage_options=options(table)
        )
    assert table.schema().to_dict() == TYPES
    assert table.details().partition_by == ["day"]
    assert_same(pa.table(table))
    assert sum(f.rows or 0 for f in table.files()) == ROWS
    assert table.append(table.scan(where="id = 1")).version == 2
    again = deltalake.DeltaTable(table.uri, storage_options=options(table))
    assert again.to_pyarrow_table().num_rows == ROWS + 1


def test_polars_reads(written: lakewright.Table) -> None:
    polars = pytest.importorskip("polars")
    assert polars.DataFrame(written).height == ROWS
    frame = polars.read_delta(written.uri, storage_options=options(written))
    assert frame.height == ROWS
    expected = polars.DataFrame(DATA.select(["id", "delay", "fare", "at", "carrier", "ok"]))
    ours = frame.select(expected.columns).sort("id")
    assert ours["delay"].sum() == expected["delay"].sum()
    assert ours["fare"].sum() == expected["fare"].sum()
    assert ours["carrier"].null_count() == expected["carrier"].null_count()


def test_polars_writes(raw: lakewright.Bucket) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(DATA.select(["id", "carrier", "delay", "fare", "local", "stops"]))
    table = raw.lake.table(f"{raw.name}/theirs")
    frame.write_delta(table.uri, storage_options=options(table))
    assert polars.DataFrame(table).sort("id").equals(frame)
    ours = raw.lake.create_table(f"{raw.name}/ours", table)
    assert ours.append(frame).rows == ROWS
    assert polars.DataFrame(ours).sort("id").equals(frame)


def test_pandas(raw: lakewright.Bucket) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": [1, 2, 3], "s": ["a", None, "c"], "x": [0.5, 1.5, None]})
    table = raw.lake.create_table(f"{raw.name}/t", {"n": "long", "s": "string", "x": "double"})
    assert table.append(frame).rows == 3
    back = pa.table(table).to_pandas()
    assert back["n"].sum() == 6
    assert back["s"].isna().sum() == back["x"].isna().sum() == 1


def test_duckdb_over_arrow(written: lakewright.Table) -> None:
    duckdb = pytest.importorskip("duckdb")
    scan = written.scan(columns=["id", "carrier", "delay", "crew"])
    count, total = duckdb.from_arrow(scan).aggregate("count(*), sum(delay)").fetchone()
    assert (count, total) == (ROWS, pa.compute.sum(DATA["delay"]).as_py())
    result = duckdb.from_arrow(written.scan(columns=["id"])).filter("id < 10")
    numbers = written.lake.create_table(written.uri + "-2", {"id": "long"})
    assert numbers.append(result).rows == 10


def test_duckdb_reads_the_table(written: lakewright.Table) -> None:
    duckdb = pytest.importorskip("duckdb")
    try:
        from duckdb_extensions import import_extension
    except ImportError:
        missing("judges", "duckdb-extensions is not installed")
    con = duckdb.connect()
    for extension in ("httpfs", "delta"):
        import_extension(extension, con=con)
        con.load_extension(extension)
    keys = options(written)
    scheme, address = keys["aws_endpoint_url"].split("://")
    con.execute(
        f"""CREATE SECRET (TYPE s3, KEY_ID '{keys["aws_access_key_id"]}',
        SECRET '{keys["aws_secret_access_key"]}', REGION '{keys["aws_region"]}',
        ENDPOINT '{address}', URL_STYLE 'path', USE_SSL {scheme == "https"})"""
    )
    theirs = con.sql(f"SELECT * FROM delta_scan('{written.uri}')")
    assert_same(theirs.to_arrow_table())
    days = con.sql(f"SELECT count(DISTINCT day) FROM delta_scan('{written.uri}')").fetchone()
    assert days == (3,)


def test_obstore_sees_the_same_objects(raw: lakewright.Bucket) -> None:
    obstore = pytest.importorskip("obstore")
    from obstore.store import S3Store

    raw.put("a/b", b"hello")
    config: Any = raw.lake.storage_options()
    http = config.pop("aws_allow_http") == "true"  # obstore panics on it here
    store = S3Store.from_url(f"s3://{raw.name}", config=config, client_options={"allow_http": http})
    assert bytes(obstore.get(store, "a/b").bytes()) == b"hello"
    obstore.put(store, "a/c", b"theirs")
    assert raw.get("a/c") == b"theirs"
