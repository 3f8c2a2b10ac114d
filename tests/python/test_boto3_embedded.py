"""The embedded server, used by boto3: also the features that lakewright's client does not use.

Runs on an embedded server of its own, or on the one that LAKEWRIGHT_TEST_S3_URL names.
"""

import base64
import datetime
import hashlib
import os
import threading
import urllib.error
import urllib.request
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import Server, embedded_or_external

MIB = 1024 * 1024
PART = 5 * MIB


SERVER: Server


@pytest.fixture(scope="session", autouse=True)
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    global SERVER
    with embedded_or_external(tmp_path_factory.mktemp("boto3")) as SERVER:
        yield


def client(keys: tuple[str, str] | None = None, **config: Any) -> Any:
    access_key_id, secret = keys or (SERVER.access_key_id, SERVER.secret_access_key)
    return boto3.client(
        "s3",
        endpoint_url=SERVER.endpoint,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )


@pytest.fixture(scope="session")
def s3(start_server: None) -> Any:
    return client()


@pytest.fixture
def bucket(s3):
    name = f"b-{uuid.uuid4().hex[:20]}"
    s3.create_bucket(Bucket=name)
    yield name
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    while keys := s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": k["Key"]} for k in keys]})
    s3.delete_bucket(Bucket=name)


class Refused:
    """The error response to a request."""

    status = code = message = headers = None


class refused:
    """Asserts that a request is refused with this status and, if any are given, one of the codes.

    Returns a :class:`Refused` that has its values after the block.
    """

    def __init__(self, status, *codes):
        self.status, self.codes, self.response = status, codes, Refused()

    def __enter__(self):
        return self.response

    def __exit__(self, kind, error, _trace):
        assert kind is not None, "the request was not refused"
        if not issubclass(kind, ClientError):
            return False
        self.response.status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self.response.code = error.response["Error"]["Code"]
        self.response.message = error.response["Error"].get("Message")
        self.response.headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        assert self.response.status == self.status, error
        if self.codes:
            assert self.response.code in self.codes, error
        return True


def md5(data):
    return hashlib.md5(data).hexdigest()


def test_buckets(s3):
    name = f"b-{uuid.uuid4().hex[:20]}"
    with refused(404):
        s3.head_bucket(Bucket=name)
    with refused(404, "NoSuchBucket"):
        s3.list_objects_v2(Bucket=name)
    with refused(404, "NoSuchBucket"):
        s3.put_object(Bucket=name, Key="k", Body=b"")
    with refused(404, "NoSuchBucket"):
        s3.put_object(Bucket=name, Key="k", Body=bytes(3 * MIB))
    with refused(404, "NoSuchBucket"):
        s3.delete_object(Bucket=name, Key="k")
    with refused(404, "NoSuchBucket"):
        s3.get_object(Bucket=name, Key="k")
    s3.create_bucket(Bucket=name)
    with refused(409, "BucketAlreadyOwnedByYou"):
        s3.create_bucket(Bucket=name)
    s3.head_bucket(Bucket=name)
    found = [b for b in s3.list_buckets()["Buckets"] if b["Name"] == name]
    age = datetime.datetime.now(datetime.UTC) - found[0]["CreationDate"]
    assert abs(age) < datetime.timedelta(minutes=1)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    assert "Status" not in s3.get_bucket_versioning(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"")
    with refused(409, "BucketNotEmpty"):
        s3.delete_bucket(Bucket=name)
    s3.delete_object(Bucket=name, Key="k")
    upload = s3.create_multipart_upload(Bucket=name, Key="k")
    s3.upload_part(Bucket=name, Key="k", UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    s3.delete_bucket(Bucket=name)
    with refused(404, "NoSuchBucket"):
        s3.delete_bucket(Bucket=name)
    with refused(400, "InvalidBucketName"):
        s3.create_bucket(Bucket="192.168.1.1")


@pytest.mark.parametrize("size", [0, 1, 16384, 32768, 32769, 100_000, 5 * MIB + 3])
def test_put_and_get(s3, bucket, size):
    data = os.urandom(size)
    put = s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=data,
        ContentType="text/csv; charset=utf-8",
        ContentEncoding="identity",
        ContentDisposition="attachment; filename=a.csv",
        ContentLanguage="de",
        CacheControl="no-cache",
        Expires=datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        Metadata={"source": "dot", "Mixed-Case": "x y"},
    )
    assert put["ETag"] == f'"{md5(data)}"'
    for response in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert response["ETag"] == put["ETag"]
        assert response["ContentLength"] == size
        assert response["ContentType"] == "text/csv; charset=utf-8"
        assert response["ContentEncoding"] == "identity"
        assert response["ContentDisposition"] == "attachment; filename=a.csv"
        assert response["ContentLanguage"] == "de"
        assert response["CacheControl"] == "no-cache"
        assert (
            response["ResponseMetadata"]["HTTPHeaders"]["expires"]
            == "Wed, 02 Jan 2030 03:04:05 GMT"
        )
        assert response["Metadata"] == {"source": "dot", "mixed-case": "x y"}
        assert response["AcceptRanges"] == "bytes"
        if "Body" in response:
            assert response["Body"].read() == data
    overridden = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="a/b")
    assert overridden["ContentType"] == "a/b"
    overridden["Body"].read()
    s3.put_object(Bucket=bucket, Key="plain", Body=data)
    assert s3.head_object(Bucket=bucket, Key="plain")["ContentType"] == "binary/octet-stream"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    with refused(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    with refused(404):
        s3.head_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("size", [1000, 3 * MIB])
def test_ranges(s3, bucket, size):
    data = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    for header, first, end in [
        ("bytes=0-0", 0, 1),
        ("bytes=5-99", 5, 100),
        ("bytes=100-", 100, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes={size - 1}-{size * 2}", size - 1, size),
    ]:
        expected = data[first:end]
        response = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert response["Body"].read() == expected
        assert response["ContentLength"] == len(expected)
        assert response["ContentRange"] == f"bytes {first}-{end - 1}/{size}"
        assert s3.head_object(Bucket=bucket, Key="k", Range=header)["ContentLength"] == len(
            expected
        )
    for header in (f"bytes={size}-", "bytes=-0"):
        with refused(416, "InvalidRange") as response:
            s3.get_object(Bucket=bucket, Key="k", Range=header)
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    with refused(416, "InvalidRange"):
        s3.get_object(Bucket=bucket, Key="empty", Range="bytes=0-0")


def test_conditions_on_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    hour = datetime.timedelta(hours=1)
    for read in (s3.get_object, s3.head_object):
        read(Bucket=bucket, Key="k", IfMatch=etag)
        with refused(412):
            read(Bucket=bucket, Key="k", IfMatch='"other"')
        read(Bucket=bucket, Key="k", IfNoneMatch='"other"')
        with refused(304) as response:
            read(Bucket=bucket, Key="k", IfNoneMatch=etag)
        assert response.headers["etag"] == etag
        with refused(304):
            read(Bucket=bucket, Key="k", IfModifiedSince=modified)
        read(Bucket=bucket, Key="k", IfModifiedSince=modified - hour)
        read(Bucket=bucket, Key="k", IfUnmodifiedSince=modified)
        with refused(412):
            read(Bucket=bucket, Key="k", IfUnmodifiedSince=modified - hour)
        read(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince=modified - hour)


@pytest.mark.parametrize("size", [10, 200_000])
def test_conditions_on_writes(s3, bucket, size):
    def put(fill, **conditions):
        return s3.put_object(Bucket=bucket, Key="k", Body=fill * size, **conditions)["ETag"]

    with refused(404, "NoSuchKey"):
        put(b"0", IfMatch='"other"')
    one = put(b"1", IfNoneMatch="*")
    with refused(412, "PreconditionFailed"):
        put(b"2", IfNoneMatch="*")
    with refused(412, "PreconditionFailed"):
        put(b"2", IfMatch='"other"')
    two = put(b"2", IfMatch=one)
    with refused(412, "PreconditionFailed"):
        put(b"3", IfMatch=one)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2" * size
    assert one != two


@pytest.mark.parametrize("size", [10, 200_000])
def test_one_creator_wins(s3, bucket, size):
    for round_ in range(5):
        outcomes: list[tuple[str, int]] = []
        barrier = threading.Barrier(8)

        def create(n, round_=round_, outcomes=outcomes, barrier=barrier):
            barrier.wait()
            try:
                s3.put_object(
                    Bucket=bucket, Key=f"k{round_}", Body=b"%d" % n * size, IfNoneMatch="*"
                )
                outcomes.append(("won", n))
            except ClientError as error:
                outcomes.append((error.response["Error"]["Code"], n))

        threads = [threading.Thread(target=create, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        won = [n for outcome, n in outcomes if outcome == "won"]
        assert len(won) == 1, outcomes
        assert {outcome for outcome, _ in outcomes} == {"won", "PreconditionFailed"}
        body = s3.get_object(Bucket=bucket, Key=f"k{round_}")["Body"].read()
        assert body == b"%d" % won[0] * size


def test_a_response_belongs_to_its_request(bucket):
    """botocore waits for `100 Continue` before it sends a body. If the server sends another
    response and keeps the connection, botocore takes its status for that of the next response."""
    s3 = client()
    for _ in range(10):
        s3.put_object(Bucket=bucket, Key="empty", Body=b"")
        with refused(404, "NoSuchKey") as response:
            s3.get_object(Bucket=bucket, Key="missing")
        assert response.headers["content-type"] == "application/xml"
        with refused(412, "PreconditionFailed"):
            s3.put_object(Bucket=bucket, Key="empty", Body=bytes(100_000), IfNoneMatch="*")
        assert s3.put_object(Bucket=bucket, Key="full", Body=b"x")["ETag"] == f'"{md5(b"x")}"'


def test_digests(s3, bucket):
    for data in (b"hello", os.urandom(MIB)):
        good = base64.b64encode(hashlib.md5(data).digest()).decode()
        s3.put_object(Bucket=bucket, Key="md5", Body=data, ContentMD5=good)
        bad = base64.b64encode(hashlib.md5(b"other").digest()).decode()
        with refused(400, "BadDigest"):
            s3.put_object(Bucket=bucket, Key="bad", Body=data, ContentMD5=bad)
        with refused(400, "InvalidDigest"):
            s3.put_object(Bucket=bucket, Key="bad", Body=data, ContentMD5="nonsense")
        crc = base64.b64encode(zlib.crc32(b"other").to_bytes(4, "big")).decode()
        with refused(400, "BadDigest", "XAmzContentChecksumMismatch"):
            s3.put_object(Bucket=bucket, Key="bad", Body=data, ChecksumCRC32=crc)
        with refused(400):
            s3.put_object(Bucket=bucket, Key="bad", Body=data, ChecksumCRC32="zzzz")
        with refused(404, "NoSuchKey"):
            s3.get_object(Bucket=bucket, Key="bad")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [3, 70_000])
def test_checksums(s3, bucket, algorithm, size):
    data = os.urandom(size)
    digest = {
        "CRC32": lambda: zlib.crc32(data).to_bytes(4, "big"),
        "SHA1": lambda: hashlib.sha1(data).digest(),
        "SHA256": lambda: hashlib.sha256(data).digest(),
    }[algorithm]()
    value, field = base64.b64encode(digest).decode(), f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumAlgorithm=algorithm)
    assert put[field] == value
    for read in (s3.get_object, s3.head_object):
        assert read(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[field] == value
        assert field not in read(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=0-0")
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectSize"]
    )
    assert attributes["Checksum"][field] == value
    assert attributes["ObjectSize"] == size
    assert attributes["ETag"].strip('"') == md5(data)


def test_a_body_from_a_stream(s3, bucket):
    """A body that is read from a stream is stored with its checksum."""

    class Stream:
        def __init__(self, data):
            self.data, self.at = data, 0

        def read(self, n=-1):
            n = len(self.data) - self.at if n is None or n < 0 else n
            self.at += n
            return self.data[self.at - n : self.at]

        def __len__(self):
            return len(self.data)

        def seek(self, at, whence=0):
            self.at = at if whence == 0 else len(self.data)
            return self.at

        def tell(self):
            return self.at

    for size in (0, 5, 300_000):
        data = os.urandom(size)
        s3.put_object(Bucket=bucket, Key="k", Body=Stream(data), ChecksumAlgorithm="CRC32")
        got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == data
        assert (
            got["ChecksumCRC32"] == base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
        )


KEYS = [
    "a",
    "a b",
    "a+b",
    "a%2Fb",
    "a//b",
    "/lead",
    "trail/",
    ".",
    "..",
    "../x",
    "../../etc/passwd",
    "a/../b",
    "new\nline",
    "tab\t",
    "\x01",
    "é/ü",
    "日本語",
    "\U0001f600",
    "&<>\"'",
    "a?b#c",
    "*",
    "~",
    "k" * 1024,
    "é" * 512,
    "Aa",
    "aA",
    "a\\b",
    "con",
    ":",
    "x=y&z",
]


def test_hostile_keys(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), IfNoneMatch="*")
    for key in KEYS:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode(), key
    listed = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode())
    # XML itself cannot carry \x01, so it cannot be named in a batch
    batch = [key for key in KEYS if key != "\x01"]
    response = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in batch]})
    assert sorted(d["Key"] for d in response["Deleted"]) == sorted(batch)
    s3.delete_object(Bucket=bucket, Key="\x01")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    with refused(400, "KeyTooLongError"):
        s3.put_object(Bucket=bucket, Key="k" * 1025, Body=b"")


def test_listing(s3, bucket):
    keys = [f"{d}/{f}" for d in "abc" for f in range(4)] + ["a", "top", "z/"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    keys.sort()

    def everything(**query):
        names = []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **query):
            lines = [o["Key"] for o in page.get("Contents", [])]
            lines += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
            assert page["KeyCount"] == len(lines)
            names += sorted(lines)
        return names

    assert everything() == keys
    for size in (1, 2, 3, 7):
        config = {"PageSize": size}
        assert everything(PaginationConfig=config) == keys
        expected = ["a", "a/", "b/", "c/", "top", "z/"]
        assert everything(Delimiter="/", PaginationConfig=config) == expected
        in_b = [key for key in keys if key.startswith("b/")]
        assert everything(Prefix="b/", Delimiter="/", PaginationConfig=config) == in_b
        assert everything(Prefix="b", Delimiter="/", PaginationConfig=config) == ["b/"]
        v1 = s3.get_paginator("list_objects").paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig=config
        )
        names = []
        for page in v1:
            names += sorted(
                [o["Key"] for o in page.get("Contents", [])]
                + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
            )
        assert names == expected
    assert everything(StartAfter="c/1") == [k for k in keys if k > "c/1"]
    assert everything(Prefix="nothing") == []
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=1, FetchOwner=True)["Contents"][0]
    assert first["ETag"] == f'"{md5(b"a")}"'
    assert first["Size"] == 1
    assert first["StorageClass"] == "STANDARD"
    assert first["Owner"]["ID"]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket, MaxKeys=1)["Contents"][0]
    none = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert none["KeyCount"] == 0 and not none["IsTruncated"]
    with refused(400, "InvalidArgument"):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="nonsense")
    with refused(400, "InvalidArgument"):
        s3.list_objects_v2(Bucket=bucket, MaxKeys=-1)


def test_batch_delete(s3, bucket):
    for n in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"")
    response = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "k0"}, {"Key": "missing"}]}
    )
    assert [d["Key"] for d in response["Deleted"]] == ["k0", "missing"]
    response = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k1"}], "Quiet": True})
    assert "Deleted" not in response and "Errors" not in response
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k2"]


@pytest.mark.parametrize("size", [7, 100_000])
def test_copy(s3, bucket, size):
    data = os.urandom(size)
    etag = s3.put_object(
        Bucket=bucket, Key="a b+ü", Body=data, Metadata={"m": "1"}, ContentType="a/b", Tagging="t=1"
    )["ETag"]
    source = {"Bucket": bucket, "Key": "a b+ü"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == etag
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["Metadata"], head["ContentType"]) == ({"m": "1"}, "a/b")
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [
        {"Key": "t", "Value": "1"}
    ]
    s3.copy_object(
        Bucket=bucket,
        Key="replaced",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"n": "2"},
    )
    head = s3.head_object(Bucket=bucket, Key="replaced")
    assert (head["Metadata"], head["ContentType"]) == ({"n": "2"}, "binary/octet-stream")
    s3.delete_object(Bucket=bucket, Key="a b+ü")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == data
    with refused(404, "NoSuchKey"):
        s3.copy_object(Bucket=bucket, Key="x", CopySource=source)
    source["Key"] = "copy"
    with refused(400, "InvalidRequest"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    s3.copy_object(
        Bucket=bucket,
        Key="copy",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"new": "1"},
    )
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"new": "1"}
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == data
    s3.copy_object(Bucket=bucket, Key="x", CopySource=source, CopySourceIfMatch=etag)
    with refused(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="x", CopySource=source, CopySourceIfMatch='"o"')
    with refused(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="x", CopySource=source, CopySourceIfNoneMatch=etag)


def start(s3, bucket, **options):
    return s3.create_multipart_upload(Bucket=bucket, Key="k", **options)["UploadId"]


def test_multipart(s3, bucket):
    data = [os.urandom(PART), os.urandom(PART + 1), b"last"]
    upload = start(s3, bucket, ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    same = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts = []
    for number, body in zip((3, 1, 7), (data[1], data[0], data[2]), strict=True):
        etag = s3.upload_part(PartNumber=number, Body=body, **same)["ETag"]
        assert etag == f'"{md5(body)}"'
        parts.append({"PartNumber": number, "ETag": etag})
    s3.upload_part(PartNumber=9, Body=b"not named at the end", **same)
    parts.sort(key=lambda part: part["PartNumber"])
    listed = s3.list_parts(**same)
    assert [p["PartNumber"] for p in listed["Parts"]] == [1, 3, 7, 9]
    assert [p["Size"] for p in listed["Parts"]][:3] == [len(d) for d in data]
    page = s3.list_parts(MaxParts=2, **same)
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 3
    page = s3.list_parts(MaxParts=2, PartNumberMarker=3, **same)
    assert [p["PartNumber"] for p in page["Parts"]] == [7, 9] and not page["IsTruncated"]
    with refused(404):
        s3.head_object(Bucket=bucket, Key="k")

    def complete(parts, **options):
        return s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **options, **same)

    with refused(400, "InvalidPartOrder"):
        complete(parts[::-1])
    with refused(400, "InvalidPart"):
        complete([{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}])
    with refused(400, "InvalidPart"):
        complete([{"PartNumber": 2, "ETag": parts[0]["ETag"]}])
    with refused(400, "EntityTooSmall"):
        complete([parts[2], {"PartNumber": 9, "ETag": listed["Parts"][3]["ETag"]}])
    with refused(400, "MalformedXML", "InvalidRequest"):
        complete([])
    whole = b"".join(data)
    done = complete(parts)
    digests = b"".join(hashlib.md5(d).digest() for d in data)
    assert done["ETag"] == f'"{md5(digests)}-3"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == whole
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (done["ETag"], "a/b", {"m": "1"})
    for first, last in [
        (0, 0),
        (PART - 1, PART),
        (PART - 5, 2 * PART + 3),
        (2 * PART + 1, 2 * PART + 4),
    ]:
        body = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={first}-{last}")["Body"].read()
        assert body == whole[first : last + 1]
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert part["Body"].read() == data[1] and part["PartsCount"] == 3
    with refused(404, "NoSuchUpload"):
        s3.list_parts(**same)
    with refused(404, "NoSuchUpload"):
        s3.upload_part(PartNumber=1, Body=b"", **same)
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Size"] == len(whole)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    s3.delete_object(Bucket=bucket, Key="k")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == whole


def test_multipart_conditions_and_abort(s3, bucket):
    def upload(body):
        same = {"Bucket": bucket, "Key": "k", "UploadId": start(s3, bucket)}
        etag = s3.upload_part(PartNumber=1, Body=body, **same)["ETag"]
        return same, {"Parts": [{"PartNumber": 1, "ETag": etag}]}

    one, two = upload(b"one"), upload(b"two")
    s3.complete_multipart_upload(MultipartUpload=one[1], IfNoneMatch="*", **one[0])
    with refused(412, "PreconditionFailed"):
        s3.complete_multipart_upload(MultipartUpload=two[1], IfNoneMatch="*", **two[0])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"one"
    s3.complete_multipart_upload(MultipartUpload=two[1], **two[0])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"two"
    three = upload(b"three")
    s3.abort_multipart_upload(**three[0])
    with refused(404, "NoSuchUpload"):
        s3.abort_multipart_upload(**three[0])
    with refused(404, "NoSuchUpload"):
        s3.complete_multipart_upload(MultipartUpload=three[1], **three[0])


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_multipart_checksums(s3, bucket, kind):
    data = [os.urandom(PART), b"last"]
    sums = [zlib.crc32(d).to_bytes(4, "big") for d in data]
    same = {
        "Bucket": bucket,
        "Key": "k",
        "UploadId": start(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType=kind),
    }
    parts = []
    for number, body in enumerate(data, 1):
        part = s3.upload_part(PartNumber=number, Body=body, ChecksumAlgorithm="CRC32", **same)
        assert part["ChecksumCRC32"] == base64.b64encode(sums[number - 1]).decode()
        parts.append(
            {"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}
        )
    total = {
        "COMPOSITE": zlib.crc32(b"".join(sums)),
        "FULL_OBJECT": zlib.crc32(b"".join(data)),
    }[kind]
    whole = base64.b64encode(total.to_bytes(4, "big")).decode() + (
        "-2" if kind == "COMPOSITE" else ""
    )
    wrong = [dict(parts[0], ChecksumCRC32="AAAAAA=="), parts[1]]
    with refused(400, "InvalidPart"):
        s3.complete_multipart_upload(MultipartUpload={"Parts": wrong}, **same)
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **same)
    assert done["ChecksumCRC32"] == whole
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (whole, kind)
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"]
    )
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2


def test_part_copy(s3, bucket):
    data = os.urandom(PART + 100)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    same = {"Bucket": bucket, "Key": "k", "UploadId": start(s3, bucket)}
    source = {"Bucket": bucket, "Key": "source"}
    parts = []
    ranges = [f"bytes=0-{PART - 1}", f"bytes={PART}-{PART + 99}"]
    for number, chosen in enumerate(ranges, 1):
        part = s3.upload_part_copy(
            PartNumber=number, CopySource=source, CopySourceRange=chosen, **same
        )
        parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    with refused(400, "InvalidArgument", "InvalidRange"):
        s3.upload_part_copy(
            PartNumber=1, CopySource=source, CopySourceRange=f"bytes=0-{PART + 100}", **same
        )
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **same)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


def test_incomplete_uploads_are_listed(s3, bucket):
    ids: dict[str, list[str]] = {}
    for key in ("a/1", "a/2", "b", "b"):
        response = s3.create_multipart_upload(Bucket=bucket, Key=key)
        ids.setdefault(key, []).append(response["UploadId"])
    listed = s3.list_multipart_uploads(Bucket=bucket)
    names = [(u["Key"], u["UploadId"]) for u in listed["Uploads"]]
    assert names == [(key, id_) for key in ("a/1", "a/2", "b") for id_ in ids[key]]
    paged: list[Any] = []
    marker: dict[str, str] = {}
    while True:
        page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1, **marker)
        paged += [(u["Key"], u["UploadId"]) for u in page.get("Uploads", [])]
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert paged == names
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in grouped["CommonPrefixes"]] == ["a/"]
    assert [u["Key"] for u in grouped["Uploads"]] == ["b", "b"]
    assert len(s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")["Uploads"]) == 2


def test_managed_transfer(s3, bucket, tmp_path):
    """boto3's own multipart upload and parallel download."""
    path, back = tmp_path / "file", tmp_path / "back"
    path.write_bytes(os.urandom(20 * MIB + 17))
    s3.upload_file(str(path), bucket, "k")
    s3.download_file(bucket, "k", str(back))
    assert back.read_bytes() == path.read_bytes()


def test_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=x%20y")
    get = lambda: s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]  # noqa: E731
    assert get() == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    assert (
        s3.get_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPHeaders"][
            "x-amz-tagging-count"
        ]
        == "2"
    )
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert get() == [{"Key": "c", "Value": ""}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert get() == []
    with refused(404, "NoSuchKey"):
        s3.get_object_tagging(Bucket=bucket, Key="missing")


def test_credentials(bucket):
    with refused(403, "InvalidAccessKeyId"):
        client(keys=("nobody", "x")).list_buckets()
    wrong = (SERVER.access_key_id, "x")
    with refused(403, "SignatureDoesNotMatch"):
        client(keys=wrong).list_buckets()
    with refused(403, "SignatureDoesNotMatch"):
        client(keys=wrong).put_object(Bucket=bucket, Key="k", Body=bytes(20 * MIB))
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{SERVER.endpoint}/{bucket}")
    assert refusal.value.code == 403 and b"AccessDenied" in refusal.value.read()


def test_presigned(bucket):
    s3 = client(signature_version="s3v4")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b"})
    urllib.request.urlopen(urllib.request.Request(put, data=b"hello", method="PUT"))
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"})
    assert urllib.request.urlopen(get).read() == b"hello"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(get.replace("a%20b", "other"))
    assert refusal.value.code == 403


def test_unsupported_features_return_not_implemented(s3, bucket):
    with refused(501, "NotImplemented"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with refused(501, "NotImplemented"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256")
    with refused(501, "NotImplemented"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    with refused(501, "NotImplemented"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def test_a_read_continues_after_its_object_is_deleted(s3, bucket):
    data = os.urandom(8 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    begun = body.read(1000)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="k")
    assert begun + body.read() == data
