"""Lists with a cursor: what is selected is marked by a sign, and not by colour alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from chaosctl.report.glyphs import Glyphs, fitted, rule


def draw_list(
    title: str,
    rows: Sequence[Text],
    *,
    cursor: int,
    focused: bool,
    width: int,
    height: int,
    glyphs: Glyphs,
    said: str = "",
    empty: str = "none",
) -> list[Text]:
    """A titled list, scrolled so that the row of the cursor (from 0; -1: none) can be seen."""
    name = f"[{title}]" if focused else title
    lines = [rule(name, Text(said, style="dim"), width, glyphs)]
    room = max(0, height - 1)
    if not rows:
        lines += [Text(f"  {empty}", style="dim")]
    first = first_shown(len(rows), room, cursor)
    for index in range(first, min(len(rows), first + room)):
        is_chosen = index == cursor
        line = Text(f"{glyphs.cursor if is_chosen else ' '} ", no_wrap=True)
        line.append_text(rows[index])
        line = fitted(line, width)
        if is_chosen and focused:
            line.stylize("reverse")
        lines.append(line)
    lines = [fitted(line, width) for line in lines[:height]]
    return lines + [Text(" " * width) for _ in range(height - len(lines))]


def first_shown(count: int, room: int, cursor: int) -> int:
    """The first row of a list that is shown, so that the cursor is, too."""
    return max(0, min(cursor - room // 2, count - room))
