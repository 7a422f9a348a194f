"""The signs that pictures in a terminal are made of, once for UTF-8 and once for ASCII."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs. braille: whether dots can be drawn, eight to a cell.

    limit, stop, usual: what lines across a chart are made of, two cells each.
    """

    braille: bool
    limit: str
    stop: str
    usual: str
    tick: str
    corner: str
    flat: str
    heavy: str
    full: str
    empty: str
    left: str
    top: str
    bottom: str
    split: str
    ok: str
    fail: str
    unknown: str
    fault: str
    undo: str
    up: str
    starting: str
    degraded: str
    broken: str
    down: str
    bars: str
    at_most: str
    dot: str
    cursor: str

    @property
    def marks(self) -> dict[str, str]:
        """The mark of a check's outcome."""
        return {"pass": self.ok, "fail": self.fail, "unknown": self.unknown}


UNICODE = Glyphs(
    braille=True,
    limit="─ ",
    stop="═ ",
    usual="┄┄",
    tick="┤",
    corner="└",
    flat="─",
    heavy="━",
    full="█",
    empty="░",
    left="│",
    top="┌┐",
    bottom="└┘",
    split="├┤",
    ok="✔",
    fail="✘",
    unknown="?",
    fault="↯",
    undo="⟲",
    up="●",
    starting="○",
    degraded="◐",
    broken="✘",
    down="!",
    bars="▁▂▃▄▅▆▇█",
    at_most="≤",
    dot="·",
    cursor="▶",
)
ASCII = Glyphs(
    braille=False,
    limit="- ",
    stop="= ",
    usual="..",
    tick="|",
    corner="+",
    flat="-",
    heavy="=",
    full="#",
    empty=".",
    left="|",
    top="++",
    bottom="++",
    split="++",
    ok="ok",
    fail="FAIL",
    unknown="?",
    fault="fault",
    undo="undo",
    up="o",
    starting="s",
    degraded="d",
    broken="X",
    down="!",
    bars="_.-=+*#@",
    at_most="<=",
    dot="-",
    cursor=">",
)


PLAIN = str.maketrans("→←·–—…≤≥×", "><---.<>x")
"""One sign for one, so that nothing moves."""


def glyphs_for(*, unicode: bool) -> Glyphs:
    """The set for a terminal that can, or cannot, show more than ASCII."""
    return UNICODE if unicode else ASCII


def plain_signs(line: Text, glyphs: Glyphs) -> Text:
    """The line with what others wrote into it (arrows, dashes) in signs that can be shown."""
    if glyphs.braille or line.plain.isascii():
        return line
    line = line.copy()
    shown = line.plain.translate(PLAIN)
    line.plain = "".join(sign if sign.isascii() else "?" for sign in shown)
    return line


def fitted(line: Text, width: int) -> Text:
    """A copy of the line, exactly so many cells wide."""
    line = line.copy()
    line.truncate(max(0, width), overflow="crop", pad=True)
    return line


def rule(name: str, said: Text, width: int, glyphs: Glyphs, *, ends: str = "") -> Text:
    """A line across: a name at its left, something said at its right; `ends`: its corners."""
    corners = ends or glyphs.flat * 2
    first, last = corners[0], corners[1]
    tail = Text(" " if said.cell_len else "", no_wrap=True)
    tail.append_text(said)
    tail.append(f"{' ' if said.cell_len else ''}{last}")
    line = Text(f"{first}{glyphs.flat} ", no_wrap=True)
    line.append(name, style="bold")
    line.truncate(
        max(6, width - tail.cell_len - 1), overflow="ellipsis" if glyphs.braille else "crop"
    )
    line.append(" ")
    line.append(glyphs.flat * max(0, width - line.cell_len - tail.cell_len))
    line.append_text(tail)
    return fitted(line, width)
