"""Expressions over a store for a window of steps."""
