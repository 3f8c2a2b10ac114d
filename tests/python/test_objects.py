"""Buckets and objects: every verb, waited for and awaited, on every server."""

from __future__ import annotations

import array
import ctypes
import datetime
import gc
import hashlib
import io
import os
import pickle
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lakewright
import numpy as np
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
    assert ([o.key for o in page.objects], page.prefixes) == (["2013/01.csv"], ["2013/02/"])
    raw.copy("2013/01.csv", "copy")
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
    async with await lakewright.connect_async(server.endpoint, anonymous=True) as nobody:  # type: ignore[attr-defined]
        with pytest.raises(lakewright.AccessDeniedError):
            await nobody.buckets_async()
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
        raw.put("lock", b"", if_none_match="etag")
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
def test_what_can_be_put(raw: lakewright.Bucket, data: object) -> None:
    if isinstance(data, io.BytesIO):
        data.seek(0)
    assert raw.put("k", data).size == 5  # type: ignore[arg-type]
    assert raw.get("k") == b"bytes"


@pytest.mark.parametrize(
    "data", ["text", 1, None, {"a": b""}, [1], io.StringIO("text"), [b"a", "b"]]
)
def test_what_cannot_be_put(raw: lakewright.Bucket, data: object) -> None:
    with pytest.raises(TypeError):
        raw.put("k", data)  # type: ignore[arg-type]
    assert list(raw.list()) == []


def test_an_iterator_that_raises_raises_its_own(raw: lakewright.Bucket) -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(20 * MIB)
        raise LookupError("half way")

    with pytest.raises(LookupError, match="half way"):
        raw.put("k", pieces())
    assert list(raw.list()) == []


def test_large_objects(raw: lakewright.Bucket, tmp_path: Path) -> None:
    data = os.urandom(40 * MIB)
    digest = hashlib.sha256(data).digest()
    heard: list[tuple[int, int | None]] = []
    (tmp_path / "in").write_bytes(data)
    raw.upload(tmp_path / "in", "k", progress=lambda done, total: heard.append((done, total)))
    assert heard[-1] == (len(data), len(data))
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
    assert alive() is not None, "the view keeps it"
    assert bytes(view[:3]) == b"\0\1\2"
    assert hash(raw.get("k")) == hash(bytes(range(256)) * 16)


def test_sent_buffers_are_let_go(raw: lakewright.Bucket) -> None:
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
