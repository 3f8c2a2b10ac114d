"""Buckets and objects: every verb, blocking and async, on every server."""

from __future__ import annotations

import array
import asyncio
import ctypes
import datetime
import gc
import hashlib
import io
import os
import pickle
import sys
import time
import tracemalloc
import unittest.mock
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lakewright
import numpy as np
import pyarrow
import pytest

MIB = 1 << 20


def test_every_verb(lake: lakewright.Lake, raw: lakewright.Bucket, tmp_path: Path) -> None:
    assert raw.name in [info.name for info in lake.buckets()]
    assert lake.head_bucket(raw.name).name == raw.name
    info = raw.put("2013/01.csv", b"a,b\n", content_type="text/csv", metadata={"source": "dot"})
    assert (info.key, info.size) == ("2013/01.csv", 4)
    head = raw.head("2013/01.csv")
    assert head.content_type == "text/csv"
    assert head.metadata == {"source": "dot"}
    assert head.etag == info.etag
    assert head.last_modified is not None
    assert head.last_modified.tzinfo is datetime.UTC
    obj = raw.get("2013/01.csv", range=(0, 3))
    assert (bytes(obj), len(obj), obj.range, obj.info.size) == (b"a,b", 3, (0, 3), 4)
    raw.put("2013/02/x", b"")
    page = raw.list_with_delimiter("2013/")
    assert page.to_dict()["objects"] == [o.to_dict() for o in page.objects]
    assert pickle.loads(pickle.dumps(page)) == page
    assert "ObjectInfo(" in repr(page)
    assert ([o.key for o in page.objects], page.prefixes) == (["2013/01.csv"], ["2013/02/"])
    copied = raw.copy("2013/01.csv", "copy")
    assert (copied.key, copied.size, copied.metadata) == ("copy", 4, {"source": "dot"})
    assert raw.get("copy") == b"a,b\n"
    (tmp_path / "in").write_bytes(b"file")
    raw.upload(tmp_path / "in", "up")
    assert raw.download("up", tmp_path / "out").size == 4
    assert (tmp_path / "out").read_bytes() == b"file"
    assert b"".join(raw.get_stream("up")) == b"file"
    assert [o.key for o in raw.list()] == ["2013/01.csv", "2013/02/x", "copy", "up"]
    assert [o.key for o in raw.list(start_after="2013/02/x", page_size=1)] == ["copy", "up"]
    raw.delete("up")
    raw.delete("up")
    raw.delete_many(o.key for o in raw.list())
    assert list(raw.list()) == []


async def test_every_twin(server: object, raw: lakewright.Bucket, tmp_path: Path) -> None:
    async with await lakewright.connect_async(server.endpoint, anonymous=True) as anonymous:  # type: ignore[attr-defined]
        with pytest.raises(lakewright.AccessDeniedError):
            await anonymous.buckets_async()
    lake = raw.lake
    assert raw.name in [info.name for info in await lake.buckets_async()]
    assert (await lake.head_bucket_async(raw.name)).name == raw.name
    other = await lake.create_bucket_async(raw.name + "-2")
    await raw.put_async("a/b", b"12345", metadata={"x": "y"})
    assert (await raw.head_async("a/b")).metadata == {"x": "y"}
    assert await raw.get_async("a/b", range=(-2, None)) == b"45"
    await raw.copy_async("a/b", "c", bucket=other.name)
    assert [o.key async for o in other.list_async()] == ["c"]
    page = await raw.list_with_delimiter_async()
    assert (page.objects, page.prefixes) == ([], ["a/"])
    (tmp_path / "in").write_bytes(b"file")
    await raw.upload_async(tmp_path / "in", "up")
    await raw.download_async("up", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"file"
    assert b"".join([bytes(p) async for p in await raw.get_stream_async("up")]) == b"file"
    await other.delete_async("c")
    await raw.delete_many_async(["a/b", "up"])
    await lake.delete_bucket_async(other.name)
    with pytest.raises(lakewright.NotFoundError):
        await lake.head_bucket_async(other.name)


def test_a_twin_without_a_loop_raises(raw: lakewright.Bucket) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        raw.get_async("x")
    with pytest.raises(RuntimeError, match="no running event loop"):
        lakewright.connect_async()


def test_conditions(raw: lakewright.Bucket) -> None:
    first = raw.put("lock", b"1", if_none_match="*")
    with pytest.raises(lakewright.AlreadyExistsError) as exists:
        raw.put("lock", b"2", if_none_match="*")
    assert isinstance(exists.value, FileExistsError)
    raw.put("lock", b"2", if_match=first.etag)
    with pytest.raises(lakewright.PreconditionFailedError):
        raw.put("lock", b"3", if_match=first.etag)
    with pytest.raises(lakewright.PreconditionFailedError):
        raw.get("lock", if_match=first.etag)
    with pytest.raises(lakewright.InvalidInputError):
        raw.put("lock", b"", if_none_match="etag")  # type: ignore[arg-type]
    assert raw.get("lock") == b"2"


def test_ranges(raw: lakewright.Bucket) -> None:
    raw.put("k", b"0123456789")
    assert raw.get("k", range=(2, 4)) == b"23"
    assert raw.get("k", range=(8, 100)) == b"89"
    assert raw.get("k", range=(8, None)) == b"89"
    assert raw.get("k", range=(-1, None)) == b"9"
    for wrong in [(3, 3), (4, 2), (-4, 2), (10, 12)]:
        with pytest.raises(lakewright.InvalidInputError):
            raw.get("k", range=wrong)


@pytest.mark.parametrize(
    "data",
    [
        b"bytes",
        bytearray(b"bytes"),
        memoryview(b"bytes"),
        memoryview(b"xbytes")[1:],
        memoryview(b"b-y-t-e-s")[::2],
        array.array("B", b"bytes"),
        np.frombuffer(b"bytes", "u1"),
        io.BytesIO(b"bytes"),
        [b"by", bytearray(b""), memoryview(b"tes")],
    ],
    ids=lambda data: type(data).__name__,
)
def test_data_that_can_be_put(raw: lakewright.Bucket, data: object) -> None:
    if isinstance(data, io.BytesIO):
        data.seek(0)
    assert raw.put("k", data).size == 5  # type: ignore[arg-type]
    assert raw.get("k") == b"bytes"


@pytest.mark.parametrize(
    "data", ["text", 1, None, {"a": b""}, [1], io.StringIO("text"), [b"a", "b"]]
)
def test_data_that_cannot_be_put(raw: lakewright.Bucket, data: object) -> None:
    with pytest.raises(TypeError):
        raw.put("k", data)  # type: ignore[arg-type]
    assert list(raw.list()) == []


def test_an_exception_of_an_iterator_is_raised_unchanged(raw: lakewright.Bucket) -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(20 * MIB)
        raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        raw.put("k", pieces())
    assert list(raw.list()) == []


def test_large_objects(raw: lakewright.Bucket, tmp_path: Path) -> None:
    data = os.urandom(40 * MIB)
    digest = hashlib.sha256(data).digest()
    reports: list[tuple[int, int | None]] = []
    (tmp_path / "in").write_bytes(data)
    raw.upload(tmp_path / "in", "k", progress=lambda done, total: reports.append((done, total)))
    assert reports[-1] == (len(data), len(data))
    assert hashlib.sha256(raw.get("k")).digest() == digest
    with (tmp_path / "in").open("rb") as file:
        assert raw.put("f", file).size == len(data)
    pieces = list(raw.get_stream("f"))
    assert max(map(len, pieces)) < 4 * MIB
    assert hashlib.sha256(b"".join(pieces)).digest() == digest

    def too_much(done: int, total: int | None) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        raw.download("k", tmp_path / "out", progress=too_much)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize("installed", [True, False], ids=["tqdm", "plain"])
def test_the_progress_bar(
    raw: lakewright.Bucket,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    installed: bool,
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    (tmp_path / "in").write_bytes(bytes(2 * MIB))
    total = "2.10M/2.10M" if installed else "2.0 / 2.0 MiB"
    raw.upload(tmp_path / "in", "k", progress=True)
    assert total in capsys.readouterr().err
    raw.download("k", tmp_path / "out", progress=True)
    assert total in capsys.readouterr().err


def test_no_copy_out(raw: lakewright.Bucket) -> None:
    raw.put("k", bytes(range(256)) * 16)
    obj = raw.get("k")
    same: Any = obj
    view = memoryview(obj)
    assert view.obj is obj  # type: ignore[comparison-overlap,unused-ignore]
    assert view.readonly
    assert view.contiguous
    again = np.frombuffer(same, "u1").__array_interface__["data"][0]
    assert again == np.frombuffer(view, "u1").__array_interface__["data"][0]
    with pytest.raises((TypeError, ValueError)):
        ctypes.c_char.from_buffer(same)
    alive = weakref.ref(obj)
    del obj, same
    gc.collect()
    assert alive() is not None, "the view keeps the object alive"
    assert bytes(view[:3]) == b"\0\1\2"
    assert hash(raw.get("k")) == hash(bytes(range(256)) * 16)


def test_comparison_of_objects(raw: lakewright.Bucket) -> None:
    raw.put("k", b"\x05\0\0\0\0\0\0\0")
    obj: Any = raw.get("k")
    same = [bytes(obj), bytearray(obj), memoryview(obj), np.frombuffer(obj, "u1"), raw.get("k")]
    for other in same[:-2]:
        assert obj == other and other == obj and (obj != other) is False
    assert obj == same[-2] and obj == same[-1]
    # Equal objects have equal hashes, and these numbers have their own.
    for number in (np.int64(5), np.frombuffer(obj, "i8"), array.array("q", [5])):
        assert obj.__eq__(number) is NotImplemented
    assert obj.__eq__("text") is NotImplemented and obj != "text" and obj is not None
    assert obj == unittest.mock.ANY, "the other object may decide"
    released = memoryview(b"bytes")
    released.release()
    assert obj != released and released != obj
    with pytest.raises(TypeError, match="not supported between"):
        assert obj < obj


def test_an_object_is_hashed_without_a_copy(raw: lakewright.Bucket) -> None:
    size = 1 << 20
    raw.put("k", os.urandom(size))
    obj = raw.get("k")
    wanted = hash(bytes(obj))
    tracemalloc.start()
    try:
        assert hash(obj) == wanted
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()
    raw.put("empty", b"")
    assert hash(raw.get("empty")) == hash(b"")


def test_no_writable_buffer_of_an_object(raw: lakewright.Bucket) -> None:
    raw.put("k", b"bytes")
    obj: Any = raw.get("k")
    readable, writable = 0, 1
    assert obj.__buffer__(readable) == b"bytes"
    for flags in (writable, 0x11C | writable):
        with pytest.raises(BufferError, match="not writable"):
            obj.__buffer__(flags)


def test_sent_buffers_are_released(raw: lakewright.Bucket) -> None:
    data = np.frombuffer(os.urandom(1024), "u1")
    gone = weakref.ref(data)
    raw.put("k", data)
    del data
    for _ in range(3):
        raw.head("k")
        gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "key", ["../x", "a\0b", "a\nb", "ünï/cødé 🛶", "k" * 1024, "a//b", " ", "a+b%20c", "\x1b[31m"]
)
def test_hostile_keys(raw: lakewright.Bucket, key: str) -> None:
    refused: lakewright.LakewrightError | None = None
    try:
        raw.put(key, b"x")
    except lakewright.LakewrightError as error:
        refused = error
    if refused is not None:
        assert refused.code in {"invalid_input", "unsupported"}, refused
        assert all(c.isprintable() for c in str(refused))
        assert list(raw.list()) == []
        return
    assert raw.get(key) == b"x"
    assert [o.key for o in raw.list()] == [key]
    raw.delete_many([key])
    assert list(raw.list()) == []


@pytest.mark.parametrize("key", ["", "k" * 1025, "ü" * 513])
def test_impossible_keys(raw: lakewright.Bucket, key: str) -> None:
    for call in (raw.get, raw.head, raw.delete):
        with pytest.raises(lakewright.InvalidInputError):
            call(key)


def test_listings_are_lazy_and_shared(raw: lakewright.Bucket) -> None:
    for n in range(7):
        raw.put(f"k{n}", b"")
    listing = raw.list(page_size=2)
    assert iter(listing) is listing
    assert [next(listing).key, next(listing).key] == ["k0", "k1"]
    assert [o.key for o in listing] == ["k2", "k3", "k4", "k5", "k6"]
    assert list(listing) == []


def test_values(raw: lakewright.Bucket) -> None:
    info = raw.put("k", b"x", metadata={"a": "b"})
    head = raw.head("k")
    values: list[Any] = [info, head, raw.list_with_delimiter(), *raw.lake.buckets()]
    for value in values:
        assert pickle.loads(pickle.dumps(value)) == value
        assert hash(pickle.loads(pickle.dumps(value))) == hash(value)
        assert type(value)(**value.to_dict()) == value
        with pytest.raises(AttributeError):
            value.key = "other"
    assert info != head
    assert eval(repr(head), {"datetime": datetime, "ObjectInfo": lakewright.ObjectInfo}) == head


def test_arguments_are_strict(lake: lakewright.Lake, raw: lakewright.Bucket) -> None:
    with pytest.raises(TypeError):
        raw.put("k", b"", contenttype="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        raw.put("k", b"", "text/csv")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        lakewright.connect(endpont="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        raw.delete_many("abc")
    with pytest.raises(lakewright.InvalidInputError):
        raw.list(page_size=-1)
    with pytest.raises(lakewright.InvalidInputError):
        lake.bucket("No Bucket")


def test_a_read_only_view_of_mutable_data_is_copied(raw: lakewright.Bucket) -> None:
    """A generator may overwrite a buffer that it has yielded before the buffer is sent."""
    size = 6 * MIB
    under = bytearray(b"a" * size)
    array_under = np.full(size, ord("a"), "u1")
    read_only = array_under.view()
    read_only.flags.writeable = False

    class Fake(bytes):
        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(under)

    def pieces() -> Iterator[Any]:
        yield memoryview(under).toreadonly()
        under[:] = b"b" * size
        yield read_only
        array_under[:] = ord("b")
        yield Fake(b"fake")

    assert raw.put("k", pieces()).size in {2 * size + 4, 3 * size}
    stored = bytes(raw.get("k"))
    assert stored[: 2 * size] == b"a" * (2 * size)


def test_views_of_a_downloaded_object_can_be_put(raw: lakewright.Bucket) -> None:
    raw.put("k", b"0123456789")
    view: Any = memoryview(raw.get("k"))  # type: ignore[arg-type,unused-ignore]
    for part, want in [
        (view, b"0123456789"),
        (view[3:7], b"3456"),
        (view[4:4], b""),
        (view[::-1], b"9876543210"),
        (view.cast("H")[1:3], b"2345"),
        (memoryview(b"0123456789")[8:], b"89"),
        (memoryview(b""), b""),
    ]:
        raw.put("part", part)
        assert raw.get("part") == want
    view.release()
    with pytest.raises(ValueError, match="released"):
        raw.put("part", view)


async def _collect_with_short_timeouts(iterator: Any) -> tuple[list[Any], int]:
    """Returns all items and the number of timeouts. Each item is awaited until it arrives in time,
    with a timeout that is too short at first."""
    items, cancelled, timeout = [], 0, 0.0001
    while True:
        try:
            items.append(await asyncio.wait_for(iterator.__anext__(), timeout))
        except TimeoutError:
            cancelled += 1
            timeout = min(timeout * 1.1, 0.05)
        except StopAsyncIteration:
            return items, cancelled


async def test_a_cancelled_wait_loses_nothing(raw: lakewright.Bucket) -> None:
    data = os.urandom(20 * MIB)
    await raw.put_async("stream", data)
    pieces, cancelled = await _collect_with_short_timeouts(await raw.get_stream_async("stream"))
    assert b"".join(pieces) == data
    assert cancelled
    keys = [f"k{n:02}" for n in range(30)]
    await asyncio.gather(*(raw.put_async(key, b"") for key in keys))
    found, cancelled = await _collect_with_short_timeouts(raw.list_async("k", page_size=1))
    assert [o.key for o in found] == keys
    assert cancelled
    table = raw.lake.create_table(f"{raw.name}/t", {"n": "long"})
    for n in range(5):
        table.append(pyarrow.table({"n": list(range(n * 1000, n * 1000 + 1000))}))
    batches, cancelled = await _collect_with_short_timeouts(table.scan().__aiter__())
    rows = [row for batch in batches for row in pyarrow.record_batch(batch)["n"].to_pylist()]
    assert sorted(rows) == list(range(5000))
    assert cancelled


async def test_items_of_cancelled_tasks_are_not_lost(raw: lakewright.Bucket) -> None:
    """The tasks are cancelled after their items have arrived and before they could take them."""
    for n in range(3):
        await raw.put_async(f"k{n}", b"")
    listing = raw.list_async(page_size=1)
    unawaited = listing.__anext__()
    waits = [asyncio.ensure_future(listing.__anext__()) for _ in range(2)]
    await asyncio.sleep(0)
    time.sleep(0.5)  # noqa: ASYNC251 - both are ready when the loop runs next
    for wait in waits:
        wait.cancel()
    gone = await asyncio.gather(*waits, return_exceptions=True)
    assert all(isinstance(error, asyncio.CancelledError) for error in gone)
    del unawaited
    assert [o.key async for o in listing] == ["k0", "k1", "k2"]
    assert await anext(listing, None) is None
    missing = raw.lake.bucket(raw.name + "-no").list_async()
    with pytest.raises(lakewright.NotFoundError):
        await anext(missing, None)
    some = asyncio.ensure_future(_first(raw))
    await asyncio.sleep(0)
    some.cancel()
    with pytest.raises(asyncio.CancelledError):
        await some


async def _first(raw: lakewright.Bucket) -> object:
    return await anext(raw.list_async(), None)


class _Stopping:
    def read(self, size: int) -> bytes:
        raise StopIteration("theirs")


def _raise_stop_iteration(done: int, total: int | None) -> None:
    raise StopIteration("theirs")


async def test_stop_iteration_of_the_caller_is_an_error(
    raw: lakewright.Bucket, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"file")
    for call in (
        lambda: raw.put_async("k", _Stopping()),  # type: ignore[arg-type]
        lambda: raw.upload_async(tmp_path / "in", "k", progress=_raise_stop_iteration),
    ):
        with pytest.raises(RuntimeError, match="StopIteration") as caught:
            await asyncio.wait_for(call(), 10)
        assert isinstance(caught.value.__cause__, StopIteration)
    with pytest.raises(RuntimeError, match="StopIteration") as caught:
        raw.put("k", _Stopping())  # type: ignore[arg-type]
    assert isinstance(caught.value.__cause__, StopIteration)


def test_none_is_the_same_as_no_argument(raw: lakewright.Bucket) -> None:
    assert raw.put("k", b"x", metadata=None).size == 1
    raw.lake.create_table(f"{raw.name}/t", {"n": "long"}, partition_by=None, properties=None)
    assert pyarrow.table(raw.lake.sql("SELECT 1 AS one")).to_pylist() == [{"one": 1}]


@pytest.mark.parametrize("size", [-1, 0, 1001, 70000])
def test_impossible_pages(raw: lakewright.Bucket, size: int) -> None:
    with pytest.raises(lakewright.InvalidInputError):
        list(raw.list(page_size=size))
