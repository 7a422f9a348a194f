"""Services that speak gRPC, asked by grpcio as it is: methods, deadlines, health, reflection."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from demo_platform.contracts import auth_pb2, customer_pb2, license_pb2, recs_pb2
from demo_platform.service import Wire
from demo_platform.services import SERVICES
from demo_platform.topology import RPC_SERVICES
from demo_platform.wires.contract import CONTRACTS
from tests.contract.served import serving

WITHIN_S = 5.0
GRPC = sorted(name for name, service in SERVICES.items() if service.wire is Wire.GRPC)


class Stub:
    """The methods of a contract's only service, as grpcio's generated stubs have them."""

    def __init__(self, contract: ModuleType, channel: grpc.Channel) -> None:
        (service,) = contract.DESCRIPTOR.services_by_name.values()
        for method in service.methods:
            call = channel.unary_unary(
                f"/{service.full_name}/{method.name}",
                request_serializer=GetMessageClass(method.input_type).SerializeToString,
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            setattr(self, method.name, call)


@pytest.fixture(scope="module")
def customer() -> Iterator[grpc.Channel]:
    with serving("customer", {}) as address, grpc.insecure_channel(address) as channel:
        yield channel


def status_of(caught: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[str, dict[str, str]]:
    """The status' name, and what came along with it."""
    error = caught.value
    return error.code().name, dict(error.trailing_metadata() or ())


def test_every_service_that_speaks_grpc_has_a_contract_and_a_port() -> None:
    assert set(GRPC) == set(CONTRACTS)
    assert set(GRPC) <= RPC_SERVICES
    for name in GRPC:
        assert set(CONTRACTS[name].methods) == set(SERVICES[name].routes)


def test_answers_by_its_contract(customer: grpc.Channel) -> None:
    stub = Stub(customer_pb2, customer)
    reply = stub.Profile(customer_pb2.ProfileRequest(member=7), timeout=WITHIN_S)
    assert (reply.member, reply.plan, reply.HasField("stale")) == (7, "standard", False)
    reply = stub.Entitlement(customer_pb2.EntitlementRequest(member=7, title=1), timeout=WITHIN_S)
    assert reply.may_watch is True


def test_every_other_service_answers_by_its_own() -> None:
    answers = {
        "customer/profile": {"plan": "standard"},
        "customer/entitlement": {"may_watch": True},
        "abtest/allocate": {"cell": "control"},
        "history/watched": {"watched": [{"title": 9}]},
    }
    with serving("auth", answers) as address, grpc.insecure_channel(address) as channel:
        request = auth_pb2.SigninRequest(member=7)
        assert Stub(auth_pb2, channel).Signin(request, timeout=WITHIN_S).token
    with serving("license", answers) as address, grpc.insecure_channel(address) as channel:
        issue = Stub(license_pb2, channel).Issue
        assert len(issue(license_pb2.IssueRequest(member=7, title=1), timeout=WITHIN_S).key) == 32
    with serving("recs", answers) as address, grpc.insecure_channel(address) as channel:
        rows = Stub(recs_pb2, channel).Rows(recs_pb2.RowsRequest(member=7))
        assert [list(row.titles) for row in rows.rows] == [[9], [3, 1, 2]]
        assert [row.cell for row in rows.rows] == ["", "control"]


def test_a_caller_that_has_no_time_is_told_so_at_once() -> None:
    with serving("customer", {}, work_s=0.5) as address, grpc.insecure_channel(address) as channel:
        stub = Stub(customer_pb2, channel)
        stub.Profile(customer_pb2.ProfileRequest(member=7), timeout=WITHIN_S)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Profile(customer_pb2.ProfileRequest(member=7), timeout=0.25)
        assert status_of(caught) == ("DEADLINE_EXCEEDED", {"x-failed-service": "customer"})
        metadata = (("x-deadline-ms", "20"),)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Profile(customer_pb2.ProfileRequest(), timeout=WITHIN_S, metadata=metadata)
        assert status_of(caught) == ("DEADLINE_EXCEEDED", {"x-failed-service": "customer"})


def test_a_caller_for_whom_there_is_no_room_is_shed() -> None:
    served = serving("customer", {}, slots=1, work_s=0.5, queue_wait_s=0.0)
    with served as address, grpc.insecure_channel(address) as channel:
        stub = Stub(customer_pb2, channel)
        request = customer_pb2.ProfileRequest(member=7)
        both = [stub.Profile.future(request, timeout=WITHIN_S) for _ in range(2)]
        codes = sorted(one.code().name for one in both)
        assert codes == ["OK", "RESOURCE_EXHAUSTED"]


def test_a_failure_names_the_service_that_failed_first() -> None:
    with serving("license", {}) as address, grpc.insecure_channel(address) as channel:
        issue = Stub(license_pb2, channel).Issue
        with pytest.raises(grpc.RpcError) as caught:
            issue(license_pb2.IssueRequest(member=7))
    assert status_of(caught) == ("INTERNAL", {"x-failed-service": "customer"})


def test_what_is_no_message_and_what_is_no_method_are_the_callers_fault(
    customer: grpc.Channel,
) -> None:
    path = CONTRACTS["customer"].methods["profile"]
    for method, code in ((path, "INVALID_ARGUMENT"), ("/demo.v1.Customer/No", "UNIMPLEMENTED")):
        with pytest.raises(grpc.RpcError) as caught:
            customer.unary_unary(method)(b"\xff\xff", timeout=WITHIN_S)
        assert status_of(caught)[0] == code


@pytest.mark.parametrize("service", ["", "demo.v1.Customer"])
def test_is_healthy(customer: grpc.Channel, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(customer)
    reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=WITHIN_S)
    assert reply.status == health_pb2.HealthCheckResponse.SERVING


def test_knows_nothing_of_another_services_health(customer: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(customer).Check(
            health_pb2.HealthCheckRequest(service="demo.v1.No")
        )
    assert status_of(caught)[0] == "NOT_FOUND"


def test_says_that_it_ends_to_who_watches_its_health() -> None:
    with serving("customer", {}) as address:
        channel = grpc.insecure_channel(address)
        watching = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=WITHIN_S
        )
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
    with channel:
        assert next(watching).status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_describes_itself(customer: grpc.Channel) -> None:
    described = ProtoReflectionDescriptorDatabase(customer)
    assert set(described.get_services()) == {
        "demo.v1.Customer",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    found = DescriptorPool(described).FindServiceByName("demo.v1.Customer")
    assert [method.name for method in found.methods] == ["Profile", "Entitlement"]
