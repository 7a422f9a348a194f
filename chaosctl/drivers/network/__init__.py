"""Faults of networks, made from outside in the namespaces where instances live.

`helper.py` is the client; `__main__.py` the process that enters namespaces: fresh and
single-threaded, as the kernel demands. `nft.py` cuts, `splice.py` delays, `probing.py` looks.
"""
