"""The everyday use of lakewright, for type checkers: it is checked and never run.

``mypy --strict`` and pyright (strict) accept every line as it stands. Lines that end in two
ignore comments are misuse that both checkers must report: a comment without an error is an error.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Literal, assert_type

import lakewright
from lakewright import (
    BucketInfo,
    Commit,
    CommitInfo,
    ObjectInfo,
    Outcome,
    Plan,
    Report,
    Schema,
    Spec,
    Step,
)


def connections() -> None:
    """Profiles and the arguments of connect."""
    with lakewright.connect("http://127.0.0.1:9000", anonymous=True) as lake:
        assert_type(lake, lakewright.Lake)
    key = lakewright.Secret.file("/run/secrets/key")
    lakewright.connect("http://127.0.0.1:9000", access_key_id="me", secret_access_key=key)
    lakewright.connect(profile="dev", timeout=datetime.timedelta(seconds=5), retries=3)
    profile = lakewright.Profile("embedded:./data", secret_access_key={"env": "KEY"})
    assert_type(profile.timeout, float | None)
    lakewright.connect(profile=profile)
    lakewright.connect(profile=profile.to_dict())

    lakewright.connect(retries="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lakewright.connect(passwort="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def buckets(lake: lakewright.Lake) -> None:
    """Buckets and their settings."""
    raw = lake.create_bucket("raw", exist_ok=True)
    assert_type(lake.buckets(), list[BucketInfo])
    raw.set_versioning("enabled")
    assert_type(raw.get_versioning(), Literal["enabled", "suspended"] | None)
    tags: Mapping[str, str] = {"team": "a"}
    raw.set_tags(tags)
    raw.set_tags({**raw.get_tags(), "stage": "dev"})
    raw.set_lifecycle([{"id": "tmp", "expire_after_days": 7}])
    raw.set_anonymous_access("read")
    raw.set_anonymous_access({"public/": "read"})
    raw.set_encryption({"sse_kms": "key"})
    lake.wait(timeout=10)
    lake.wait(datetime.timedelta(minutes=1))

    raw.set_versioning(True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.set_versioning("on")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.set_tags(["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lake.create_bucket("raw", True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def objects(raw: lakewright.Bucket, source: Path) -> None:
    """Objects in memory, in files, in pieces and in listings."""
    info = raw.put("a", b"1", content_type="text/csv", metadata={"source": "dot"})
    assert_type(info, ObjectInfo)
    assert_type(info.last_modified, datetime.datetime | None)
    raw.put("b", raw.get("a", range=(0, None)))
    raw.put("c", memoryview(b"1"), if_none_match="*")
    raw.put("d", (piece for piece in raw.get_stream("a")))
    with source.open("rb") as file:
        raw.put("e", file)
    raw.upload(source, "f", progress=True, part_bytes=8 << 20)
    raw.download("f", str(source), progress=lambda done, total: print(done, total))
    for entry in raw.list("2013/", page_size=100):
        assert_type(entry, ObjectInfo)
    raw.delete_many(entry.key for entry in raw.list())
    page = raw.list_with_delimiter()
    assert_type(page.prefixes, list[str])
    assert_type(bytes(raw.get("a")), bytes)

    raw.put("a", "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.put("a", b"", if_none_match="etag")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.get("a", range=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.list(page_size="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    info.size = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def tables(lake: lakewright.Lake, names: Sequence[str]) -> None:
    """Tables, their commits and scans."""
    flights = lake.create_table(
        "raw/flights",
        {"month": "integer", "delay": "double"},
        partition_by=["month"],
        properties={"delta.appendOnly": "true"},
    )
    lake.create_table("raw/copy", flights.schema(), partition_by=names)
    commit = flights.append(lake.table("raw/other").scan(where="delay > 5"))
    assert_type(commit, Commit)
    assert_type(commit.rows, int)
    flights.overwrite(flights.at(version=3).scan(columns=names), replace_where="month = 1")
    flights.scan(columns=("month", "delay"), limit=10)
    assert_type(flights.history(limit=5), list[CommitInfo])
    assert_type(flights.details().columns, list[tuple[str, str]])
    assert_type(flights.scan().schema(), Schema)
    for batch in lake.sql("SELECT 1 FROM t", tables={"t": flights}):
        assert_type(batch.num_rows, int)

    lake.create_table("raw/a", {"month": "long"}, partition_by="month")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    flights.scan(columns="month")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    flights.append([1, 2])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    flights.at(version="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def twins(raw: lakewright.Bucket) -> None:
    """The asynchronous twins."""
    async with await lakewright.connect_async("embedded:./data") as lake:
        assert_type(await lake.buckets_async(), list[BucketInfo])
    waiting = raw.put_async("a", b"1", metadata={"a": "b"})
    assert_type(waiting, Awaitable[ObjectInfo])
    assert_type(await waiting, ObjectInfo)
    async for entry in raw.list_async("2013/"):
        assert_type(entry.key, str)
    async for piece in await raw.get_stream_async("a"):
        print(len(piece))
    await raw.delete_async("a")

    await raw.get_async(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    raw.get_async("a").cancel()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def errors(raw: lakewright.Bucket) -> None:
    """Errors, as lakewright's and as the builtin ones."""
    try:
        raw.get("missing")
    except lakewright.NotFoundError as error:
        assert_type(error.status, int | None)
        print(error.code, error.resource, error.to_dict())
    except FileNotFoundError:
        pass
    except lakewright.LakewrightError as error:
        assert_type(error.failures, tuple[lakewright.LakewrightError, ...])


def declared(lake: lakewright.Lake) -> None:
    """Specs, plans and reports."""
    spec = Spec({"version": 1, "stack": "lake", "buckets": {"raw": {}}})
    plan = lake.plan(spec, prune=True, adopt=["bucket/raw"])
    assert_type(plan, Plan)
    assert_type([step.verb for step in plan.steps], list[str])

    def show(step: Step, outcome: Outcome | None) -> None:
        print(step.resource, outcome.status if outcome else "starts")

    assert_type(lake.apply(plan, progress=show), Report)
    lake.apply(Plan.from_json(plan.to_json()))
    print(plan.graph("dot"), plan.summary.create, lake.state().resources)
    lake.adopt(["bucket/raw"], stack="lake")

    plan.graph("svg")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lake.plan("spec.json")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lake.apply(plan, progress=print, force=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
