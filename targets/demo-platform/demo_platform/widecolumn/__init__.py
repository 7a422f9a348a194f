"""A replicated wide-column store built like Cassandra: one node a zone, three copies a region.

Pure: schema, consistency, ring, cells, detector, membership, hints. Whom a request needs and what
the answers add up to is `coordinator`; what a node keeps on its disk is `disk`; sockets live in
`wire` alone. `store` is the interface, of which `client` is one implementation and `original`,
which asks a real Cassandra, is the other.
"""
