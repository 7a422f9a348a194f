"""Views of a run: live, plain, JSON."""
