"""The contracts of the services that speak gRPC: `*.proto`, and what protoc made of them.

`make contracts` makes the `_pb2` modules anew; nobody edits them.
"""
