"""Breaks a system on purpose and says, from its metrics, whether anybody would have noticed."""
