"""Wire formats in: bytes of a request to samples in the store."""
