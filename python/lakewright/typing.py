"""Types of arguments, for annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, Union

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from lakewright import Outcome, Step

__all__ = [
    "ArrowArrayExportable",
    "ArrowData",
    "ArrowSchemaExportable",
    "ArrowStreamExportable",
    "ObjectData",
    "ProgressCallback",
    "Readable",
    "SchemaLike",
    "SequenceNotStr",
    "StepCallback",
]

_T_co = TypeVar("_T_co", covariant=True)


class SequenceNotStr(Protocol[_T_co]):
    """A ``Sequence[str]`` that is not itself a ``str``: a list or tuple of texts.

    Every ``str`` is a ``Sequence[str]`` of its characters, so that the plain annotation would
    accept ``partition_by="month"``. ``str.__contains__`` takes texts only, which is what tells
    the two apart.
    """

    def __getitem__(self, index: int, /) -> _T_co: ...
    def __contains__(self, value: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[_T_co]: ...
    def __reversed__(self) -> Iterator[_T_co]: ...


class ArrowStreamExportable(Protocol):
    """A stream of record batches: a table of pyarrow, polars, duckdb or pandas, or a scan."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


class ArrowArrayExportable(Protocol):
    """One record batch."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...


class ArrowSchemaExportable(Protocol):
    """A schema."""

    def __arrow_c_schema__(self) -> Any: ...


class Readable(Protocol):
    """A file opened for reading bytes."""

    def read(self, size: int, /) -> bytes: ...


ArrowData: TypeAlias = ArrowStreamExportable | ArrowArrayExportable
"""What :meth:`lakewright.Table.append` takes."""

SchemaLike: TypeAlias = ArrowSchemaExportable | Mapping[str, str]
"""What :meth:`lakewright.Lake.create_table` takes; the mapping is ``{"name": "type"}``."""

ObjectData: TypeAlias = Union["Buffer", Readable, Iterable["Buffer"]]
"""What :meth:`lakewright.Bucket.put` takes."""

ProgressCallback: TypeAlias = Callable[[int, int | None], object]
"""Called with the number of bytes moved so far and, where it is known, the number in all."""

StepCallback: TypeAlias = Callable[["Step", Union["Outcome", None]], object]
"""Called with a step and ``None`` when the step starts, and with its outcome when it ends."""
