from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ProfileRequest(_message.Message):
    __slots__ = ("member",)
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    member: int
    def __init__(self, member: _Optional[int] = ...) -> None: ...

class ProfileReply(_message.Message):
    __slots__ = ("member", "plan", "stale")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    member: int
    plan: str
    stale: bool
    def __init__(self, member: _Optional[int] = ..., plan: _Optional[str] = ..., stale: _Optional[bool] = ...) -> None: ...

class EntitlementRequest(_message.Message):
    __slots__ = ("member", "title")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    member: int
    title: int
    def __init__(self, member: _Optional[int] = ..., title: _Optional[int] = ...) -> None: ...

class EntitlementReply(_message.Message):
    __slots__ = ("member", "may_watch")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    MAY_WATCH_FIELD_NUMBER: _ClassVar[int]
    member: int
    may_watch: bool
    def __init__(self, member: _Optional[int] = ..., may_watch: _Optional[bool] = ...) -> None: ...
