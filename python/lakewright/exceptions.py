"""What lakewright raises.

Every class stands for one kind of failure, has its code in the class attribute ``code``, and
inherits the builtin that says the same, so that ``except FileNotFoundError`` works too.
"""

from __future__ import annotations

import errno as _errno
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from lakewright import Report

__all__ = [
    "AccessDeniedError",
    "AlreadyExistsError",
    "ConfigError",
    "ConflictError",
    "CorruptError",
    "InternalError",
    "InvalidInputError",
    "InvalidSpecError",
    "LakewrightError",
    "NotFoundError",
    "OperationTimeoutError",
    "PartialApplyError",
    "PreconditionFailedError",
    "SchemaMismatchError",
    "StorageFullError",
    "ThrottledError",
    "TooLargeError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
]


class LakewrightError(Exception):
    """The base of everything lakewright raises.

    ``str(error)`` is one line: what was being done, to what, why it failed, and what the
    service said. It never holds a secret.
    """

    code: ClassVar[str] = "internal"
    """The stable machine-readable code of this kind, such as ``not_found``."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""

    _errno: ClassVar[int | None] = None

    operation: str | None
    """The verb that failed, such as ``put`` or ``create_bucket``."""
    resource: str | None
    """What it was working on: a bucket, ``bucket/key``, a table's URI, a file."""
    status: int | None
    """The HTTP status of the service's answer, where it answered."""
    service_code: str | None
    """The service's own code, such as ``NoSuchBucket``."""
    request_id: str | None
    """The request id that the service's operator can look up."""
    retry_after: float | None
    """How many seconds the service asks callers to wait."""
    failures: tuple[LakewrightError, ...]
    """What failed of several things, each with its own resource."""

    def __init__(
        self,
        message: str = "",
        *,
        operation: str | None = None,
        resource: str | None = None,
        status: int | None = None,
        service_code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        failures: Sequence[LakewrightError] = (),
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.resource = resource
        self.status = status
        self.service_code = service_code
        self.request_id = request_id
        self.retry_after = retry_after
        self.failures = tuple(failures)
        if isinstance(self, OSError):
            _fill_os_error(self, self._errno, resource)

    def __str__(self) -> str:
        # OSError would show errno and file name a second time.
        return str(self.args[0]) if self.args else ""

    def to_dict(self) -> dict[str, Any]:
        """The error as plain values: what a log line or an HTTP answer wants."""
        return {
            "code": self.code,
            "message": str(self),
            "operation": self.operation,
            "resource": self.resource,
            "retryable": self.retryable,
            "status": self.status,
            "service_code": self.service_code,
            "request_id": self.request_id,
            "retry_after": self.retry_after,
            "failures": [failure.to_dict() for failure in self.failures],
        }

    def __reduce__(self) -> tuple[Any, ...]:
        state = {
            name: getattr(self, name)
            for name in (
                "operation",
                "resource",
                "status",
                "service_code",
                "request_id",
                "retry_after",
                "failures",
            )
        }
        return _rebuild, (type(self), str(self), state)


def _fill_os_error(error: OSError, number: int | None, filename: str | None) -> None:
    error.errno = number
    error.filename = filename


def _rebuild(cls: type[LakewrightError], message: str, state: Mapping[str, Any]) -> LakewrightError:
    return cls(message, **state)


class InvalidSpecError(LakewrightError, ValueError):
    """A declaration (spec document, ``@configure`` file) is wrong."""

    code = "invalid_spec"


class ConfigError(LakewrightError, ValueError):
    """A profile, an environment variable or a configuration file is wrong."""

    code = "invalid_config"


class InvalidInputError(LakewrightError, ValueError):
    """An argument is wrong: a name, a range, a filter, a size."""

    code = "invalid_input"


class UnauthenticatedError(LakewrightError, PermissionError):
    """No credentials, unknown credentials, or a signature that does not match."""

    code = "unauthenticated"
    _errno = _errno.EACCES


class AccessDeniedError(LakewrightError, PermissionError):
    """The caller is known and not allowed."""

    code = "denied"
    _errno = _errno.EACCES


class NotFoundError(LakewrightError, FileNotFoundError):
    """The bucket, object, table, version or file is not there."""

    code = "not_found"
    _errno = _errno.ENOENT


class AlreadyExistsError(LakewrightError, FileExistsError):
    """It is there already."""

    code = "already_exists"
    _errno = _errno.EEXIST


class ConflictError(LakewrightError):
    """Somebody else won: a concurrent change makes this one void."""

    code = "conflict"


class PreconditionFailedError(LakewrightError):
    """``if_match`` or an expected version did not hold."""

    code = "precondition_failed"


class TooLargeError(LakewrightError, ValueError):
    """More bytes than the service, or lakewright, accepts."""

    code = "too_large"


class SchemaMismatchError(LakewrightError, ValueError):
    """Data and table do not have the same columns."""

    code = "schema_mismatch"


class ThrottledError(LakewrightError):
    """The service asks for fewer requests."""

    code = "throttled"
    retryable = True


class UnsupportedError(LakewrightError, NotImplementedError):
    """The service or lakewright cannot do this."""

    code = "unsupported"


class UnavailableError(LakewrightError, ConnectionError):
    """The service cannot be reached or answers that it is out of order."""

    code = "unavailable"
    retryable = True
    _errno = _errno.EHOSTUNREACH


class OperationTimeoutError(LakewrightError, TimeoutError):
    """No answer within the time allowed."""

    code = "timeout"
    retryable = True
    _errno = _errno.ETIMEDOUT


class StorageFullError(LakewrightError, OSError):
    """Quota, disk or bucket is full."""

    code = "storage_full"
    _errno = _errno.ENOSPC


class CorruptError(LakewrightError):
    """Bytes or a log are not what they claim to be."""

    code = "corrupt"


class PartialApplyError(LakewrightError):
    """Some steps were done and others failed; :attr:`report` says which."""

    code = "partial_apply"

    _report: Report | None = None

    @property
    def report(self) -> Any:
        """After :meth:`lakewright.Lake.apply` its :class:`lakewright.Report`. Otherwise a dict
        with what failed under ``"failed"``; everything else that was asked for is done."""
        if self._report is not None:
            return self._report
        return {"failed": [failure.to_dict() for failure in self.failures]}

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"_report": self._report}


class InternalError(LakewrightError):
    """A fault of lakewright's own."""


def _classes() -> dict[str, type[LakewrightError]]:
    """Every kind's class by its code."""
    return {cls.code: cls for cls in LakewrightError.__subclasses__()}
