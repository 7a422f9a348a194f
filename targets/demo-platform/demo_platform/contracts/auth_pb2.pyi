from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class SigninRequest(_message.Message):
    __slots__ = ("member", "token")
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    member: int
    token: str
    def __init__(self, member: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class SigninReply(_message.Message):
    __slots__ = ("session", "plan", "token", "fallback", "stale")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    session: str
    plan: str
    token: str
    fallback: bool
    stale: bool
    def __init__(self, session: _Optional[str] = ..., plan: _Optional[str] = ..., token: _Optional[str] = ..., fallback: _Optional[bool] = ..., stale: _Optional[bool] = ...) -> None: ...
