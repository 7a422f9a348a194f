"""What a server says by the gRPC health checking protocol (grpc.health.v1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaosctl.probes.answer import Answer, CannotAsk, Probe, unmet
from chaosctl.probes.expecting import Expectation


@dataclass(frozen=True, slots=True)
class GrpcProbe:
    """One Health/Check call on a channel of its own. service: empty for the server as a whole."""

    address: str
    expect: Expectation
    service: str = ""
    tls: bool = False
    status: str = "SERVING"
    clock: Callable[[], float] = time.monotonic

    def ask(self, timeout_s: float) -> Answer:
        """The status held against the one that is wanted."""
        import grpc  # noqa: PLC0415 - an extra
        from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

        began = self.clock()
        options = [("grpc.enable_http_proxy", 0)]
        channel = (
            grpc.secure_channel(self.address, grpc.ssl_channel_credentials(), options)
            if self.tls
            else grpc.insecure_channel(self.address, options)
        )
        with channel:
            request = health_pb2.HealthCheckRequest(service=self.service)
            try:
                reply = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout_s)
            except grpc.RpcError as error:
                code = error.code().name.lower().replace("_", " ")
                return unmet(f"{code}: {error.details()}", self.expect.take)
        took_ms = (self.clock() - began) * 1000
        found = health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)
        if found != self.status:
            return unmet(f"status {found}", self.expect.take)
        return self.expect.judge(b"", took_ms, f"status {found}")


def grpc_probe(parameters: Mapping[str, Any]) -> Probe:
    """From a document's parameters. Raises CannotAsk if the libraries are not installed."""
    try:
        import grpc_health.v1  # noqa: F401, PLC0415
    except ImportError as error:
        fix = "pip install 'chaosctl[grpc]'"
        raise CannotAsk("gRPC probes need libraries that are not installed", fix) from error
    return GrpcProbe(
        parameters["address"],
        Expectation.of(parameters),
        service=parameters.get("service", ""),
        tls=parameters.get("tls", False),
        status=parameters.get("expect", {}).get("status", "SERVING"),
    )
