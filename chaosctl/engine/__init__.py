"""The engine: plan, run, journal, undo."""
