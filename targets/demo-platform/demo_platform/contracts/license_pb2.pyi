from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class IssueRequest(_message.Message):
    __slots__ = ("member", "title")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    member: int
    title: int
    def __init__(self, member: _Optional[int] = ..., title: _Optional[int] = ...) -> None: ...

class IssueReply(_message.Message):
    __slots__ = ("may_watch", "key")
    MAY_WATCH_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    may_watch: bool
    key: str
    def __init__(self, may_watch: _Optional[bool] = ..., key: _Optional[str] = ...) -> None: ...
