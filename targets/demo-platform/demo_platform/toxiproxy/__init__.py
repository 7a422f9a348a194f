"""A fault proxy for TCP that speaks Toxiproxy's API, so that the original can take its place.

Read in this order: `toxics.py` (what each kind of toxic does to what passes), `link.py` (one
direction of a connection), `proxy.py` (a listener and its connections), `collection.py` (all
proxies by name, and what may be asked of them), `api.py` (the same as HTTP).
"""
