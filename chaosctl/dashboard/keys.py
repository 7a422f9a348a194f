"""Every key, once: for the bindings, the last line and the help."""

from __future__ import annotations

SCREENS = (
    ("1", "overview", "heartbeat, instances, runs, experiments"),
    ("3", "run", "one run, live or played again"),
    ("4", "query", "an expression, its chart and its numbers"),
    ("6", "store", "the store about itself"),
)
LATER = (("2", "map"), ("5", "monkeys"))
"""Keys that are kept for screens which are not there yet."""

COMMON = (
    ("slash", "show only what has some letters in it", "filter", "filter"),
    ("r", "run the selected experiment: shows its plan, asks", "run", "run"),
    ("k", "kill the selected instance: shows the blast radius, asks", "kill", "kill"),
    ("u", "undo the selected run, asks", "undo", "undo"),
    ("H", "halt: stop every run and undo what they did, asks once", "halt", "halt"),
    ("question_mark", "these keys", "help", "keys"),
    ("q", "quit; asks if a run was started here", "quit", "quit"),
    ("colon", "write a chaosctl command", "command", ""),
    ("escape", "back", "back", ""),
    ("space", "stop the screen, or the replay; go on", "pause", ""),
    ("s", "sort in another way", "sort", ""),
    ("t", "another length of time", "span", ""),
    ("c", "copy what is shown as a command", "copy", ""),
)
"""Key, what it does, action, and its word in the last line if it stands there."""

PRINTED = {"slash": "/", "question_mark": "?", "colon": ":", "escape": "esc"}
MORE = (
    ("tab", "to the next pane; in an expression: complete"),
    ("arrows", "move the selection; on the query screen: through time"),
    ("enter", "open a run, show an experiment's plan, ask the store"),
    ("[ ]", "on the run screen: one second back, on ({ } ten)"),
    ("home end", "on the run screen: from the beginning, the newest"),
    ("+ -", "on the query screen: a shorter, a longer window"),
    ("mouse", "a click selects, a second one opens"),
)


def help_lines() -> list[str]:
    """The keys, a line each."""
    rows = [(key, f"{name}: {what}") for key, name, what in SCREENS]
    rows += [(PRINTED.get(key, key), what) for key, what, _, _ in COMMON]
    lines = [f"{key:<9} {what}" for key, what in (*rows, *MORE)]
    kept = ", ".join(f"{key} {name}" for key, name in LATER)
    more = f"kept for later: {kept}. What changes anything shows its command first."
    return [*lines, "", more]
