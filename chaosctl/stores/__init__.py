"""Query backends: where hypotheses get their data."""
