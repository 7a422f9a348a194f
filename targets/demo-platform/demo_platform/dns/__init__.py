"""Names of the platform's instances: a server a zone, asked by the C library's own resolver.

`names.py` (which name has which addresses) → `answering.py` (a question's bytes to the answer's) →
`server.py` (both over UDP and TCP) → `wiring.py` (a zone's server as an instance). What the others
do with names is in `asking.py`, and how the C library is told of the servers in `resolv_conf.py`.
"""
