"""A replicated cache: a node per zone that speaks memcached's text protocol, and its client.

Every zone has a whole copy. A client writes to all zones, reads in its own, and asks another zone
a bounded share of the time. In reading order: `storage.py`, `lines.py`, `session.py` and `node.py`
are the node; `ketama.py`, `codec.py`, `replies.py`, `connection.py`, `replicas.py` and `client.py`
the client; `read_through.py` is what services use. `relay.py` carries invalidations to other
regions, and `warmer.py` fills a node that has just come up.
"""
