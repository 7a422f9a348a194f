"""Service discovery on Eureka's REST v2 wire format: a server a zone, a client an instance.

`shapes.py` (what goes over the wire) → `registry.py` (leases, and the rules about them) →
`renewals.py`, `changes.py`, `statuses.py` (its parts) → `replication.py` (what peers tell each
other) → `server.py`, `peers.py`, `client.py` (the sockets) → `directory.py` (what callers see).
All but the three with sockets are pure: clocks and chance are arguments.
"""
