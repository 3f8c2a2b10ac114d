"""Uses the lake of a scenario as an ordinary user: writes and reads a Delta table, and is denied
access beyond the policy of `etl`. The first argument is the file of etl's secret key."""

import sys

import lakewright
import pyarrow as pa

lake = lakewright.connect(
    "http://127.0.0.1:9000",
    access_key_id="etl",
    secret_access_key={"file": sys.argv[1]},
)

flights = lake.create_table(
    "raw/flights/2013", {"carrier": "string", "delay": "long"}, exist_ok=True
)
before = pa.table(flights.scan()).num_rows
flights.append(pa.table({"carrier": ["UA", "AA"], "delay": [12, -3]}))
assert pa.table(flights.scan()).num_rows == before + 2
late = pa.table(flights.scan(where="delay > 0"))
assert set(late["carrier"].to_pylist()) == {"UA"}, late


def denied(what, attempt):
    """The attempt is refused because of the policy of etl, not because of its credentials."""
    try:
        attempt()
    except lakewright.AccessDeniedError:
        return
    raise AssertionError(f"{what} was allowed")


raw, closed = lake.bucket("raw"), lake.bucket("closed")
denied("writing beside the prefix", lambda: raw.put("elsewhere/x", b"x"))
denied("writing into another bucket", lambda: closed.put("x", b"x"))
denied("listing another bucket", lambda: list(closed.list()))
denied("making a bucket", lambda: lake.create_bucket("mine"))
print(f"{before + 2} rows")
