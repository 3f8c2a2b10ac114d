"""Names for what lakewright accepts, for annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

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
    "StepCallback",
]


class ArrowStreamExportable(Protocol):
    """A stream of record batches: tables of pyarrow, polars, duckdb, pandas, and our scans."""

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
"""Called with the bytes moved so far and, where it is known, their number in all."""

StepCallback: TypeAlias = Callable[["Step", Union["Outcome", None]], object]
"""Called with a step and ``None`` when it begins, and with its outcome when it ends."""
