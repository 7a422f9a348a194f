"""Runs tests/data/demo: what each service asks of others and answers.

A case is a route and a body; `replies` are the answers of other services, by service/route, and
`fails` is the service that does not answer, which must then be the one that is blamed. `rows` are
what the store has, by table; a table that is not there cannot be read. An answer
that is long is given by its keys.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo_platform.service import Body, Node, Request, ServiceFailed
from demo_platform.services import SERVICES
from demo_platform.widecolumn.behind import WritesBehind
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.schema import TABLES, Columns
from demo_platform.widecolumn.store import NoStore

FOLDER = next(
    parent / "tests/data/demo"
    for parent in Path(__file__).parents
    if parent.name != "tests" and (parent / "tests/data/demo").is_dir()
)


def cases() -> list[Any]:
    """Every case of every file."""
    return [
        pytest.param(path.stem, case, id=f"{path.stem}-{n}-{case['route']}")
        for path in sorted(FOLDER.glob("*.yaml"))
        for n, case in enumerate(yaml.safe_load(path.read_text()))
    ]


class ScriptedCalls:
    """Answers the calls of one service as its case says, and checks that they are declared."""

    def __init__(self, service: str, case: dict[str, Any]) -> None:
        self.declared = {one.service for one in SERVICES[service].dependencies}
        self.replies: dict[str, Body] = case.get("replies", {})
        self.fails: str = case.get("fails", "")
        self.asked: set[str] = set()

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        assert service in self.declared
        assert route in SERVICES[service].routes
        if service == self.fails:
            raise ServiceFailed(service, 502, "as told")
        self.asked.add(f"{service}/{route}")
        return self.replies[f"{service}/{route}"]


class ScriptedStore(NoStore):
    """Has the rows that a case says; `wrote` and `read_at` are the levels it was asked at."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        self.rows = rows
        self.read_at: list[Consistency] = []
        self.wrote: list[tuple[Columns, Consistency]] = []

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Any] | None:
        self.read_at.append(level)
        if table not in self.rows:
            return await super().read(table, key, level=level)
        assert set(key) == set(TABLES[table].key)
        return self._found(table, key)

    async def write(
        self,
        table: str,
        row: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        ttl_s: float | None = None,
        at_us: int | None = None,
    ) -> None:
        if table not in self.rows:
            return await super().write(table, row, level=level)
        TABLES[table].split(row)
        self.wrote.append((row, level))
        known = self._found(table, {name: row[name] for name in TABLES[table].key})
        if known is None:
            self.rows[table].append(dict(row))
        else:
            known.update(row)
        return None

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        for row, _ in rows:
            await self.write(table, row, level=level)

    def _found(self, table: str, key: Columns) -> dict[str, Any] | None:
        return next((row for row in self.rows[table] if key.items() <= row.items()), None)


@pytest.mark.parametrize(("name", "case"), cases())
def test_answers_as_the_case_says(name: str, case: dict[str, Any]) -> None:
    calls = ScriptedCalls(name, case)
    store = ScriptedStore(case.get("rows", {}))
    request = Request(case["route"], case["body"], deadline=1e9, request_id="r-1")
    behind = WritesBehind(store)
    node = Node("i-1", "us-east-1a", calls, store=store, behind=behind, wall_clock=lambda: 1000.0)
    route = SERVICES[name].routes[case["route"]](request, node)
    if "fails" in case:
        with pytest.raises(ServiceFailed) as caught:
            asyncio.run(_awaited(route))
        assert caught.value.cause == case["fails"]
    elif "keys" in case:
        assert set(asyncio.run(_awaited(route))) == set(case["keys"])
    else:
        assert asyncio.run(_awaited(route)) == case["answer"]
        assert calls.asked == set(case.get("replies", {}))


def test_every_service_has_cases_for_every_route() -> None:
    covered: dict[str, set[str]] = {}
    for case in cases():
        name, values = case.values
        covered.setdefault(name, set()).add(values["route"])
    assert covered == {name: set(service.routes) for name, service in SERVICES.items()}


def test_the_table_is_sorted_and_names_its_rows() -> None:
    assert list(SERVICES) == sorted(SERVICES)
    assert [service.name for service in SERVICES.values()] == list(SERVICES)


def test_dependencies_are_services_and_form_no_circle() -> None:
    seen: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path
        seen.add(name)
        for dependency in SERVICES[name].dependencies:
            visit(dependency.service, (*path, name))

    for name in SERVICES:
        visit(name, ())
    assert seen == set(SERVICES)


async def _awaited(awaitable: Any) -> Any:
    return await awaitable
