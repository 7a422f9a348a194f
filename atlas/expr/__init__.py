"""Expressions: immutable values that print as ASL which parses back equal."""
