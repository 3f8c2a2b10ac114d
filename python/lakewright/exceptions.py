"""The exceptions that lakewright raises.

Every class stands for one kind of failure, has its code in the class attribute ``code``, and
inherits the builtin exception with the same meaning, so that ``except FileNotFoundError`` works
too.
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
    """The base class of all exceptions of lakewright.

    ``str(error)`` is one line: operation, resource, reason, whether the outcome is unknown, and
    the response of the service. It never contains a secret.
    """

    code: ClassVar[str] = "internal"
    """The stable machine-readable code of this kind, such as ``not_found``."""

    _may_pass: ClassVar[bool] = False
    """Whether the cause of this kind of failure may pass by itself."""

    _errno: ClassVar[int | None] = None

    operation: str | None
    """The operation that failed, such as ``put`` or ``create_bucket``."""
    resource: str | None
    """The resource of the operation: a bucket, ``bucket/key``, a table's URI, a file."""
    retryable: bool
    """Whether the same call may succeed later and cannot do anything twice. Always false where
    :attr:`outcome_unknown`."""
    outcome_unknown: bool
    """Whether the operation, or a part of it, may have been carried out although it failed: check
    the state before you repeat it."""
    status: int | None
    """The HTTP status of the service's response, where there was one."""
    service_code: str | None
    """The service's own code, such as ``NoSuchBucket``."""
    request_id: str | None
    """The request id that the service's operator can look up."""
    retry_after: float | None
    """How many seconds the service asks callers to wait."""
    failures: tuple[LakewrightError, ...]
    """The errors of the parts of an operation on several resources."""

    def __init__(
        self,
        message: str = "",
        *,
        operation: str | None = None,
        resource: str | None = None,
        retryable: bool | None = None,
        outcome_unknown: bool = False,
        status: int | None = None,
        service_code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        failures: Sequence[LakewrightError] = (),
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.resource = resource
        self.retryable = self._may_pass and not outcome_unknown if retryable is None else retryable
        self.outcome_unknown = outcome_unknown
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
        """The error as plain values, for a line of a log or an HTTP response."""
        return {
            "code": self.code,
            "message": str(self),
            "operation": self.operation,
            "resource": self.resource,
            "retryable": self.retryable,
            "outcome_unknown": self.outcome_unknown,
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
                "retryable",
                "outcome_unknown",
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
    """A spec (a file, or a folder of ``@configure`` functions) is invalid."""

    code = "invalid_spec"


class ConfigError(LakewrightError, ValueError):
    """A profile, an environment variable or a configuration file is invalid."""

    code = "invalid_config"


class InvalidInputError(LakewrightError, ValueError):
    """An argument is invalid: a name, a range, a filter, a size."""

    code = "invalid_input"


class UnauthenticatedError(LakewrightError, PermissionError):
    """No credentials, an unknown access key, or a signature that does not match."""

    code = "unauthenticated"
    _errno = _errno.EACCES


class AccessDeniedError(LakewrightError, PermissionError):
    """The credentials are valid and do not permit the operation."""

    code = "denied"
    _errno = _errno.EACCES


class NotFoundError(LakewrightError, FileNotFoundError):
    """The bucket, object, table, version or file does not exist."""

    code = "not_found"
    _errno = _errno.ENOENT


class AlreadyExistsError(LakewrightError, FileExistsError):
    """The resource that was to be created exists."""

    code = "already_exists"
    _errno = _errno.EEXIST


class ConflictError(LakewrightError):
    """A concurrent change makes the operation impossible."""

    code = "conflict"


class PreconditionFailedError(LakewrightError):
    """``if_match`` or an expected version did not hold."""

    code = "precondition_failed"


class TooLargeError(LakewrightError, ValueError):
    """More bytes than the service, or lakewright, accepts."""

    code = "too_large"


class SchemaMismatchError(LakewrightError, ValueError):
    """The columns of the data differ from those of the table."""

    code = "schema_mismatch"


class ThrottledError(LakewrightError):
    """The service asks for fewer requests."""

    code = "throttled"
    _may_pass = True


class UnsupportedError(LakewrightError, NotImplementedError):
    """The service or lakewright does not implement the operation."""

    code = "unsupported"


class UnavailableError(LakewrightError, ConnectionError):
    """The service cannot be reached, or reports a fault of its own."""

    code = "unavailable"
    _may_pass = True
    _errno = _errno.EHOSTUNREACH


class OperationTimeoutError(LakewrightError, TimeoutError):
    """No response within the time allowed."""

    code = "timeout"
    _may_pass = True
    _errno = _errno.ETIMEDOUT


class StorageFullError(LakewrightError, OSError):
    """A quota, a disk or a bucket is full."""

    code = "storage_full"
    _errno = _errno.ENOSPC


class CorruptError(LakewrightError):
    """Bytes or a log are not in the format that they should have."""

    code = "corrupt"


class PartialApplyError(LakewrightError):
    """Some steps were done and others failed; :attr:`report` lists them."""

    code = "partial_apply"

    _report: Report | None = None

    @property
    def report(self) -> Any:
        """After :meth:`lakewright.Lake.apply` its :class:`lakewright.Report`. Otherwise a dict
        with the failures under ``"failed"``; all other parts of the operation are done."""
        if self._report is not None:
            return self._report
        return {"failed": [failure.to_dict() for failure in self.failures]}

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"_report": self._report}


class InternalError(LakewrightError):
    """A fault of lakewright."""


def _classes() -> dict[str, type[LakewrightError]]:
    """Every kind's class by its code."""
    return {cls.code: cls for cls in LakewrightError.__subclasses__()}
