"""How a service stays up while what it calls does not: one pattern per file, each free of I/O.

Clocks are arguments (`now`, in seconds of a monotonic clock), so every rule is tested without
waiting. `client.py` and `server.py` put the patterns together.
"""
