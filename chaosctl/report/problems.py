"""A problem of a document as a person reads it: what and where, the line with a caret, the fix."""

from __future__ import annotations

from chaosctl.errors import Problem

WIDTH_MAX = 100
_MARGIN = 20


def render_problem(problem: Problem) -> str:
    """The problem on up to four lines; a long source line is cut around the caret.

    >>> print(render_problem(Problem("unknown key 'fualt'", "a.yaml:1:1", "did you mean 'fault'?",
    ...     line=1, column=1, length=5, source="fualt: x")))
    a.yaml:1:1: unknown key 'fualt'
       1 | fualt: x
         | ^^^^^
      fix: did you mean 'fault'?
    """
    lines = [f"{problem.where}: {problem.what}" if problem.where else problem.what]
    if problem.line and problem.source:
        lines += _source_lines(problem)
    if problem.fix:
        lines.append(f"  fix: {problem.fix}")
    return "\n".join(lines)


def _source_lines(problem: Problem) -> list[str]:
    number = f"{problem.line:4}"
    source, start = problem.source.replace("\t", " "), problem.column - 1
    if len(source) > WIDTH_MAX:
        cut = max(0, start - _MARGIN)
        piece = source[cut : cut + WIDTH_MAX]
        head, tail = "…" * bool(cut), "…" * (cut + WIDTH_MAX < len(source))
        source, start = f"{head}{piece}{tail}", start - cut + len(head)
    source = "".join(char if char.isprintable() else "�" for char in source)
    length = max(1, min(problem.length, len(source) - start))
    return [f"{number} | {source}", f"{' ' * len(number)} | {' ' * start}{'^' * length}"]


def as_json(problem: Problem) -> dict[str, str | int]:
    """The problem as plain JSON values; line and column count from 1, 0: unknown."""
    return {
        "what": problem.what,
        "where": problem.where,
        "fix": problem.fix,
        "line": problem.line,
        "column": problem.column,
        "length": problem.length,
    }
