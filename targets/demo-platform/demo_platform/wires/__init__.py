"""The protocols that services speak besides HTTP.

Each has a codec (a body as bytes), a client's side (one try at an instance) and a server's side.
All else that happens to a call is the same for every protocol: `client.py`, `pool.py`, `server.py`.
Read in this order: `codec.py`, `contract.py`, `grpc_client.py`, `grpc_server.py`,
`rsocket_words.py`, `rsocket_client.py`, `rsocket_server.py`.
"""

import os

# gRPC reads these when it is first used, which is after the fork, so it need not care for forks.
# What it says on stderr of connections that end is said by our metrics.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
