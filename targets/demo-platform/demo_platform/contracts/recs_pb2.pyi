from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RowsRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: int
    def __init__(self, member: _Optional[int] = ...) -> None: ...

class RowsReply(_message.Message):
    __slots__ = ("rows", "stale")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[Row]
    stale: bool
    def __init__(self, rows: _Optional[_Iterable[_Union[Row, _Mapping]]] = ..., stale: _Optional[bool] = ...) -> None: ...

class Row(_message.Message):
    __slots__ = ("name", "titles", "cell")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLES_FIELD_NUMBER: _ClassVar[int]
    CELL_FIELD_NUMBER: _ClassVar[int]
    name: str
    titles: _containers.RepeatedScalarFieldContainer[int]
    cell: str
    def __init__(self, name: _Optional[str] = ..., titles: _Optional[_Iterable[int]] = ..., cell: _Optional[str] = ...) -> None: ...
