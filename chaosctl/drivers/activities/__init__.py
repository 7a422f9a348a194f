"""Activities of Chaos Toolkit documents: what they are, and how each kind is performed.

Processes, Python functions and HTTP calls run under `runner.py`, a small program of its own, which
kills what it started when time is up, or when whoever started it is gone.
"""
