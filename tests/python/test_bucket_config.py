"""Settings of buckets: every verb, blocking and async, on every server."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import lakewright
import pytest

# The values to set, by the name of the setting.
SETTINGS: dict[str, list[Any]] = {
    "versioning": ["suspended", "enabled"],
    "tags": [{"team": "data", "empty": ""}],
    "lifecycle": [
        [{"id": "tmp", "enabled": True, "prefix": "tmp/", "expire_after_days": 7}],
        [{"id": "on", "enabled": False, "expire_on": "2031-12-24", "tags": {"a": "b"}}],
    ],
    "anonymous_access": ["read", {"in/": "write", "out/": "read_write"}, "none"],
    "notifications": [[]],
}


@pytest.fixture
def bucket(lake: lakewright.Lake) -> Iterator[lakewright.Bucket]:
    """A bucket that is deleted afterwards with all versions of its objects."""
    bucket = lake.create_bucket(f"t-{uuid.uuid4().hex[:16]}")
    yield bucket
    bucket.empty(bypass_governance=True)
    lake.delete_bucket(bucket.name)


def unless_unsupported(bucket: lakewright.Bucket, setting: str, value: Any) -> Any:
    """Sets a setting and returns its value before. Skips where the server does not support it."""
    try:
        before = getattr(bucket, f"get_{setting}")()
        getattr(bucket, f"set_{setting}")(value)
    except lakewright.UnsupportedError:
        with pytest.raises(lakewright.UnsupportedError):
            getattr(bucket, f"set_{setting}")(value)
        pytest.skip(f"the server has no {setting}")
    return before


@pytest.mark.parametrize("setting", SETTINGS)
def test_set_and_get(bucket: lakewright.Bucket, setting: str) -> None:
    values = SETTINGS[setting]
    assert unless_unsupported(bucket, setting, values[0]) in (None, "none", {}, [])
    for value in values:
        assert getattr(bucket, f"set_{setting}")(value) is None
        assert getattr(bucket, f"get_{setting}")() == value

    async def twins() -> None:
        for value in values:
            assert await getattr(bucket, f"set_{setting}_async")(value) is None
            assert await getattr(bucket, f"get_{setting}_async")() == value
        if setting in ("tags", "lifecycle"):
            await getattr(bucket, f"delete_{setting}_async")()
            assert not getattr(bucket, f"get_{setting}")()

    asyncio.run(twins())


# The values of settings by the names that they have in a spec, and the values without one.
SPEC_SETTINGS: dict[str, tuple[Any, Any]] = {
    "versioning": ("suspended", None),
    "tags": ({"team": "data"}, {}),
    "lifecycle": ([{"id": "on", "enabled": True, "expire_on": "2031-12-24"}], []),
    "policy": (
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}],
        },
        None,
    ),
    "quota": (10 << 30, None),
}


@pytest.mark.parametrize("name", SPEC_SETTINGS)
def test_settings_by_name(bucket: lakewright.Bucket, name: str) -> None:
    value, none = SPEC_SETTINGS[name]
    if name == "policy":
        value["Statement"][0]["Resource"] = f"arn:aws:s3:::{bucket.name}/*"
    try:
        assert bucket.get_setting(name) == none
        bucket.set_setting(name, value)
    except lakewright.UnsupportedError:
        with pytest.raises(lakewright.UnsupportedError):
            bucket.set_setting(name, value)
        pytest.skip(f"the server has no {name}")
    stored = bucket.get_setting(name)
    if name == "policy":
        assert stored["Statement"][0]["Action"] == ["s3:GetObject"]
        assert stored == bucket.get_policy()
    else:
        assert stored == value
    if name == "versioning":
        with pytest.raises(lakewright.InvalidInputError, match="cannot be removed"):
            bucket.set_setting(name, None)
        return

    async def twins() -> None:
        await bucket.set_setting_async(name, None)
        assert await bucket.get_setting_async(name) == none

    asyncio.run(twins())


def test_wrong_settings_by_name(bucket: lakewright.Bucket) -> None:
    for call, message in (
        (lambda: bucket.get_setting("tag"), 'there is no setting "tag"; did you mean "tags"?'),
        (lambda: bucket.get_setting("contents"), 'there is no setting "contents"'),
        (lambda: bucket.set_setting("tags", {"a": 1}), "tags.a: "),
        (
            lambda: bucket.set_setting("lifecycle", [{"id": "a", "expire_after_days": 0}]),
            "lifecycle[0].expire_after_days: 1 is the least",
        ),
        (lambda: bucket.set_setting("quota", 0), "quota: "),
        (lambda: bucket.set_setting("object_lock", None), "object lock cannot be removed"),
    ):
        with pytest.raises(lakewright.InvalidInputError) as caught:
            call()
        assert message in str(caught.value)


def test_policy(bucket: lakewright.Bucket) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": {"AWS": ["*"]},
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{bucket.name}/*"],
            }
        ],
    }
    assert unless_unsupported(bucket, "policy", document) is None
    assert bucket.get_policy() == document
    for verb in (bucket.get_anonymous_access, lambda: bucket.set_anonymous_access("read")):
        with pytest.raises(lakewright.ConflictError, match="policy of its own"):
            verb()
    document["Statement"][0]["Conditon"] = {}  # type: ignore[index]
    hint = r'Statement\[0\]\.Conditon: .* did you mean "Condition"'
    with pytest.raises(lakewright.InvalidInputError, match=hint):
        bucket.set_policy(document)
    bucket.delete_policy()
    assert bucket.get_policy() is None


def test_object_lock(lake: lakewright.Lake, bucket: lakewright.Bucket) -> None:
    retention = {"mode": "governance", "days": 1}
    try:
        assert bucket.get_object_lock() is None
    except lakewright.UnsupportedError:
        pytest.skip("the server has no object lock")
    with pytest.raises(lakewright.ConflictError, match="made without object lock"):
        bucket.set_object_lock(retention)
    locked = lake.create_bucket(f"{bucket.name}-l", object_lock=True)
    assert locked.get_object_lock() == {}
    locked.put("free", b"")
    locked.set_object_lock(retention)
    assert locked.get_object_lock() == retention
    with pytest.raises(lakewright.ConflictError):
        locked.set_versioning("suspended")
    locked.put("governed", b"")
    with pytest.raises(lakewright.PartialApplyError) as caught:
        locked.empty()
    assert "1 versions are still there" in str(caught.value)

    async def again() -> None:
        await locked.empty_async()

    with pytest.raises(lakewright.AccessDeniedError, match="locked"):
        asyncio.run(again())
    gone = locked.empty(bypass_governance=True)
    assert gone == lakewright.Emptied(versions=1, uploads=0)
    lake.delete_bucket(locked.name)


def test_encryption_needs_a_kms(bucket: lakewright.Bucket) -> None:
    """The MinIO of these tests has no KMS, and the embedded server does not encrypt."""
    for encryption in ("sse_s3", {"sse_kms": "key"}):
        with pytest.raises(lakewright.UnsupportedError):
            bucket.set_encryption(encryption)


def test_wrong_shapes_are_wrong_arguments(bucket: lakewright.Bucket) -> None:
    for wrong in (
        lambda: bucket.set_versioning("on"),  # type: ignore[arg-type]
        lambda: bucket.set_lifecycle([{"id": "a", "expire_in": 3}]),
        lambda: bucket.set_lifecycle([{"id": "a", "expire_on": "soon"}]),
        lambda: bucket.set_anonymous_access({"in/": "all"}),
        lambda: bucket.set_object_lock({"mode": "governance", "weeks": 3}),
        lambda: bucket.set_notifications([{"id": "a"}]),
        lambda: bucket.set_encryption({"sse_c": "key"}),
    ):
        with pytest.raises(lakewright.InvalidInputError):
            wrong()
    with pytest.raises(lakewright.InvalidInputError, match="ARN"):
        bucket.set_notifications([{"id": "a", "arn": "b", "events": ["c"]}])


def test_faults_of_a_setting_have_their_path(bucket: lakewright.Bucket) -> None:
    """The wording and the paths are those of the spec."""
    rules = [{"id": "a", "expire_after_days": 1}, {"id": "b", "expire_after_days": 0}]
    for call, message in (
        (lambda: bucket.set_lifecycle(rules), "lifecycle[1].expire_after_days: 1 is the least"),
        (
            lambda: bucket.set_lifecycle([{"id": "a", "expire_in_days": 3}]),
            "lifecycle[0].expire_in_days: a lifecycle rule has no such field",
        ),
        (lambda: bucket.set_object_lock({"mode": "governance", "days": 0}), "object_lock.days: "),
        (lambda: bucket.set_tags({"team name": "{"}), 'tags["team name"]: '),
        (lambda: bucket.set_anonymous_access({"a*": "read"}), 'anonymous["a*"]: '),
        (
            lambda: bucket.set_anonymous_access({"": "read", "in/": "none"}),
            'anonymous["in/"]: the grant "read" of the whole bucket includes it',
        ),
    ):
        with pytest.raises(lakewright.InvalidInputError) as caught:
            call()
        assert message in str(caught.value)


def test_days_may_be_dates(bucket: lakewright.Bucket) -> None:
    rule: dict[str, Any] = {"id": "on", "expire_on": datetime.date(2031, 12, 24)}
    unless_unsupported(bucket, "lifecycle", [rule])
    assert bucket.get_lifecycle()[0]["expire_on"] == "2031-12-24"


def test_empty(bucket: lakewright.Bucket) -> None:
    for key in ("a", "b/c"):
        bucket.put(key, b"x")
    assert bucket.empty().to_dict() == {"versions": 2, "uploads": 0}
    assert list(bucket.list()) == []


def test_versions(bucket: lakewright.Bucket) -> None:
    unless_unsupported(bucket, "versioning", "enabled")
    first = bucket.put("a/k", b"1").version_id
    bucket.put("a/k", b"2")
    bucket.put("b", b"3")
    bucket.delete("a/k")
    versions = list(bucket.list_versions("a/"))
    assert [v.key for v in versions] == ["a/k"] * 3
    assert [v.is_delete_marker for v in versions] == [True, False, False]
    assert [v.is_latest for v in versions] == [True, False, False]
    assert versions[2].version_id == first and versions[2].size == 1
    assert first is not None and bucket.get("a/k", version_id=first) == b"1"
    # Without its delete marker the object exists again.
    bucket.delete("a/k", version_id=versions[0].version_id)
    assert bucket.get("a/k") == b"2"

    async def twins() -> None:
        await bucket.delete_async("a/k", version_id=versions[1].version_id)
        left = [version async for version in bucket.list_versions_async("a/")]
        assert [(v.version_id, v.is_latest) for v in left] == [(first, True)]

    asyncio.run(twins())
    assert len(list(bucket.list_versions())) == 2
