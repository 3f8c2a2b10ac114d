"""Exceptions: classes, attributes, parity with Rust."""

from __future__ import annotations

import errno
import pickle

import lakewright
import pytest
from lakewright import _lakewright, exceptions


def test_both_languages_list_the_same_codes() -> None:
    classes = exceptions._classes()
    table = _lakewright._error_table()
    assert {code for code, *_ in table} == set(classes)
    for code, _status, _exit, retryable, name in table:
        cls = getattr(lakewright, name)
        assert classes[code] is cls
        assert cls().retryable is retryable
        unknown = cls(outcome_unknown=True)
        assert (unknown.retryable, unknown.outcome_unknown) == (False, True)
        assert name in exceptions.__all__


def test_exceptions_are_also_builtin_ones() -> None:
    for name, builtin in {
        "InvalidSpecError": ValueError,
        "ConfigError": ValueError,
        "InvalidInputError": ValueError,
        "UnauthenticatedError": PermissionError,
        "AccessDeniedError": PermissionError,
        "NotFoundError": FileNotFoundError,
        "AlreadyExistsError": FileExistsError,
        "TooLargeError": ValueError,
        "SchemaMismatchError": ValueError,
        "UnsupportedError": NotImplementedError,
        "UnavailableError": ConnectionError,
        "OperationTimeoutError": TimeoutError,
        "StorageFullError": OSError,
    }.items():
        cls = getattr(lakewright, name)
        assert issubclass(cls, builtin)
        assert issubclass(cls, lakewright.LakewrightError)
        error = cls("what happened", resource="raw/k")
        if isinstance(error, OSError):
            assert error.errno is not None
            assert error.filename == "raw/k"
        assert str(error) == "what happened"
        assert repr(error) == f"{name}('what happened')"


def test_attributes_of_an_error_response(lake: lakewright.Lake, raw: lakewright.Bucket) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        raw.get("nothing")
    error = caught.value
    assert isinstance(error, lakewright.NotFoundError)
    assert (error.code, error.operation, error.retryable) == ("not_found", "get", False)
    assert error.resource == error.filename == f"{raw.name}/nothing"
    assert (error.status, error.service_code, error.errno) == (404, "NoSuchKey", errno.ENOENT)
    assert error.request_id
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.to_dict() == error.to_dict()
    assert (again.errno, again.filename, again.args) == (error.errno, error.filename, error.args)
    with pytest.raises(lakewright.AlreadyExistsError):
        lake.create_bucket(raw.name)
    raw.put("k", b"")
    with pytest.raises(lakewright.ConflictError):
        lake.delete_bucket(raw.name)


def test_a_partial_failure_has_its_failures() -> None:
    one = lakewright.NotFoundError("no", resource="raw/a", status=404)
    error = lakewright.PartialApplyError("1 of 2", failures=[one])
    assert error.report["failed"][0]["resource"] == "raw/a"
    again = pickle.loads(pickle.dumps(error))
    assert again.to_dict() == error.to_dict()


def test_a_closed_port_is_unavailable() -> None:
    lake = lakewright.connect("http://127.0.0.1:9", anonymous=True, retries=0, timeout=2)
    with pytest.raises(ConnectionError) as caught:
        lake.buckets()
    assert isinstance(caught.value, lakewright.UnavailableError)
    assert caught.value.retryable
    assert caught.value.status is None


def test_wrong_keys(server: object) -> None:
    endpoint: str = server.endpoint  # type: ignore[attr-defined]
    lake = lakewright.connect(endpoint, access_key_id="nobody", secret_access_key="wrong" * 4)
    with pytest.raises(PermissionError) as caught:
        lake.buckets()
    assert isinstance(caught.value, lakewright.UnauthenticatedError)


def test_wrong_configuration() -> None:
    for arguments in (
        {"endpoint": "ftp://x", "anonymous": True},
        {"endpoint": "http://x", "profile": "no-such-profile"},
        {"endpoint": "http://x", "access_key_id": "only"},
        {"endpoint": "http://x", "anonymous": True, "timeout": 0},
    ):
        with pytest.raises(lakewright.ConfigError):
            lakewright.connect(**arguments)
    for later in ("lakewright+https://host", "unix:///run/lakewright.sock"):
        with pytest.raises(lakewright.UnsupportedError):
            lakewright.connect(later)
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(lakewright.InvalidInputError):
            lakewright.connect("http://x", anonymous=True, timeout=seconds)
