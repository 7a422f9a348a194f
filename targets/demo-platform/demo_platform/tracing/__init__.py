"""Traces: whose request a call belongs to, what each hop took, and the service graph from that.

`context.py` reads and writes the headers, `tracer.py` keeps a process' spans, `sender.py` sends
them in batches to the world's collector, which keeps them in `ring.py` and answers questions in
Zipkin's v2 shape: `zipkin.py`.
"""
