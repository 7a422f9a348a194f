"""What a filter is, and how one is made of a file.

A filter is a Python file with a TYPE, an ORDER and `apply(context)`, a function or a coroutine;
`should_filter(context)` may say that it has nothing to do with a request. The types are Zuul's, in
the words of its second version or its first: inbound (pre), endpoint (route), outbound (post), and
error, which makes the answer when a filter of any type has failed.
"""

from __future__ import annotations

import ast
import inspect
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from demo_platform.errors import DemoError
from demo_platform.zuul.context import SessionContext

SOURCE_BYTES_MAX = 262_144

Apply = Callable[[SessionContext], object]
ShouldFilter = Callable[[SessionContext], bool]


class Phase(StrEnum):
    """When a filter runs."""

    INBOUND = "inbound"
    ENDPOINT = "endpoint"
    OUTBOUND = "outbound"
    ERROR = "error"


PHASES = {
    **{phase.value: phase for phase in Phase},
    "pre": Phase.INBOUND,
    "route": Phase.ENDPOINT,
    "post": Phase.OUTBOUND,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, loaded. bind: makes one for each route, for filters that come with the edge.

    source: the file; empty for a filter that comes with the edge.
    """

    name: str
    phase: Phase
    order: int
    apply: Apply | None
    should_filter: ShouldFilter | None = None
    bind: Callable[..., Apply | None] | None = None
    is_async: bool = False
    source: str = ""


def load(path: Path) -> Filter:
    """The filter in a file. Raises DemoError, with file:line:column, if there is none."""
    try:
        source = path.read_bytes()
    except OSError as error:
        fix = "make it readable, or take it away"
        raise DemoError(f"cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    if len(source) > SOURCE_BYTES_MAX:
        fix = f"at most {SOURCE_BYTES_MAX}"
        raise DemoError(f"{len(source)} bytes of filter", where=f"{path}:1:1", fix=fix)
    module = types.ModuleType(f"zuul_filter_{path.stem}")
    module.__file__ = str(path)
    try:
        tree = ast.parse(source, str(path))
        exec(compile(tree, str(path), "exec"), module.__dict__)  # noqa: S102 - it is what is asked
    except SyntaxError as error:
        where = f"{path}:{error.lineno or 1}:{error.offset or 1}"
        raise DemoError(f"syntax error: {error.msg}", where=where, fix="correct it") from error
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise DemoError(what, where=place_of(error, path), fix="correct it") from error
    return _checked(module, tree, path)


def from_module(module: types.ModuleType) -> Filter:
    """A filter that comes with the edge."""
    name = module.__name__.rpartition(".")[2]
    return Filter(
        name=name,
        phase=PHASES[module.TYPE],
        order=module.ORDER,
        apply=getattr(module, "apply", None),
        should_filter=getattr(module, "should_filter", None),
        bind=getattr(module, "bind", None),
        is_async=inspect.iscoroutinefunction(getattr(module, "apply", None)),
    )


def place_of(error: BaseException, path: Path) -> str:
    """The last line of the file that an error went through, as file:line:column."""
    frames = traceback.TracebackException.from_exception(error).stack
    own = [frame for frame in frames if frame.filename == str(path)]
    if not own:
        return f"{path}:1:1"
    return f"{path}:{own[-1].lineno}:{(own[-1].colno or 0) + 1}"


def _checked(module: types.ModuleType, tree: ast.Module, path: Path) -> Filter:
    """The filter that a module makes, if it has all that one needs, of the right type."""
    lines = _lines(tree)

    def wrong(name: str, what: str, fix: str) -> DemoError:
        line, column = lines.get(name, (1, 1))
        return DemoError(what, where=f"{path}:{line}:{column}", fix=fix)

    found = {name: getattr(module, name, None) for name in ("TYPE", "ORDER", "apply")}
    for name, value in found.items():
        if value is None:
            raise wrong(name, f"no {name}", 'a filter has TYPE = "inbound", ORDER = 50, def apply')
    kind, order, apply = found.values()
    if not isinstance(kind, str) or kind not in PHASES:
        raise wrong("TYPE", f"TYPE is {kind!r}", f"one of {', '.join(PHASES)}")
    if not isinstance(order, int) or isinstance(order, bool):
        raise wrong("ORDER", f"ORDER is {order!r}", "a whole number")
    should = getattr(module, "should_filter", None)
    for name, function in (("apply", apply), ("should_filter", should)):
        if function is not None and not _takes_one(function):
            raise wrong(name, f"{name} cannot be called with a context", f"def {name}(context)")
    if inspect.iscoroutinefunction(should):
        raise wrong("should_filter", "should_filter is a coroutine", "def, not async def")
    return Filter(
        name=path.stem,
        phase=PHASES[kind],
        order=order,
        apply=apply,
        should_filter=should,
        is_async=inspect.iscoroutinefunction(apply),
        source=str(path),
    )


def _takes_one(function: object) -> bool:
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def _lines(tree: ast.Module) -> dict[str, tuple[int, int]]:
    """Where each name of the module is given its value."""
    lines: dict[str, tuple[int, int]] = {}
    for node in tree.body:
        place = (node.lineno, node.col_offset + 1) if hasattr(node, "lineno") else (1, 1)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            lines[node.name] = place
        elif isinstance(node, ast.Assign):
            lines |= {t.id: place for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines[node.target.id] = place
    return lines
