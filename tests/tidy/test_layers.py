"""Who may import whom."""

from __future__ import annotations

import sys

OURS = ("atlas", "monkeys", "chaosctl", "experiments", "demo_platform")
ABOVE_ENGINE = ("chaosctl.report", "chaosctl.dashboard", "chaosctl.commands", "chaosctl.cli")
RUN = ("chaosctl.experiment", "chaosctl.judge", "chaosctl.engine", *ABOVE_ENGINE)
OUTSIDE = ("chaosctl.drivers", "chaosctl.probes", "chaosctl.stores")
FORBIDDEN = {
    **{own: tuple(o for o in OURS if o != own) for own in OURS if own != "chaosctl"},
    "chaosctl": ("demo_platform",),
    "chaosctl.experiment": ("chaosctl.judge", "chaosctl.engine", *OUTSIDE, "atlas.store"),
    "chaosctl.judge": ("chaosctl.engine", *OUTSIDE, *ABOVE_ENGINE),
    "chaosctl.engine": (
        "chaosctl.drivers",
        "chaosctl.stores",
        "chaosctl.probes",
        "atlas",
        *ABOVE_ENGINE,
    ),
    "chaosctl.drivers": (*RUN, "chaosctl.probes", "chaosctl.stores", "atlas"),
    "chaosctl.stores": (*RUN, "chaosctl.drivers", "chaosctl.probes"),
    "chaosctl.probes": (*RUN, "chaosctl.drivers", "chaosctl.stores", "monkeys"),
    "chaosctl.dashboard": ("chaosctl.commands", "chaosctl.drivers", "chaosctl.cli"),
    "chaosctl.dashboard.panels": ("textual", "chaosctl.engine", "chaosctl.stores", "chaosctl.demo"),
    "chaosctl.importers": ("chaosctl.engine", "chaosctl.judge", "chaosctl.stores", *ABOVE_ENGINE),
    "chaosctl.report": ("chaosctl.commands", "chaosctl.dashboard", "chaosctl.drivers"),
    "atlas.model": ("atlas.expr", "atlas.asl", "atlas.store", "atlas.eval", "atlas.server"),
    "atlas.expr": ("atlas.asl", "atlas.store", "atlas.eval", "atlas.server"),
    "atlas.asl": ("atlas.store", "atlas.eval", "atlas.ingest", "atlas.render", "atlas.server"),
    "atlas.store": ("atlas.asl", "atlas.eval", "atlas.ingest", "atlas.render", "atlas.server"),
    "atlas.eval": ("atlas.ingest", "atlas.render", "atlas.server", "atlas.settings"),
    "atlas.settings": ("atlas.asl", "atlas.ingest", "atlas.render", "atlas.server"),
    "atlas.settings_file": ("atlas.ingest", "atlas.render", "atlas.server"),
}
ONLY_IN = {
    "atlas.analysis": ("atlas.analysis", "chaosctl"),
    "yaml": ("atlas.yaml_tree", "chaosctl"),
    "docker": ("chaosctl.drivers", "chaosctl.operator"),
    "kubernetes": ("chaosctl.drivers", "chaosctl.operator"),
    "cassandra": ("demo_platform.widecolumn.original",),
    "boto3": ("chaosctl.drivers", "chaosctl.stores.cloudwatch"),
    "dns": ("chaosctl.drivers.network", "demo_platform.dns"),
    "grpc": ("chaosctl.probes", "demo_platform.contracts", "demo_platform.wires"),
    "rsocket": ("demo_platform.wires",),
    "textual": ("chaosctl.dashboard",),
    "scipy.stats": ("atlas.analysis",),
    "PIL": ("atlas.render.png",),
    "pyroute2": ("chaosctl.drivers.network", "demo_platform.fabric", "demo_platform.supervisor"),
}
ARITHMETIC = {"atlas.analysis": ("atlas.errors", "numpy", "scipy")}
NUMBERS = {"numpy", "scipy", "msgspec", "aiohttp"}
WEB = {"fastapi", "starlette", "uvicorn", "prometheus_client"}
FILES = {"yaml"}  # the server's settings file; the one YAML reader that is installed anyway
MAY_USE = {  # standard library and itself besides
    "monkeys": set(),
    "experiments": set(),
    "atlas": NUMBERS | {"PIL", "xxhash"} | WEB | FILES,
    "demo_platform": {
        *("aiohttp", "msgspec", "multidict", "prometheus_client", "pyroute2", "uvloop", "xxhash"),
        *("cassandra", "google", "grpc", "grpc_health", "grpc_reflection", "httptools", "rsocket"),
        *("dns", "spectator"),
    },
}


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def test_layers_import_downwards_only(product, report):
    report(
        f"{s.path}:{line}: {layer} may not import {below} ({name})"
        for s in product
        for layer, forbidden in FORBIDDEN.items()
        if within(s.module, layer)
        for line, name in s.imports()
        for below in forbidden
        if within(name, below)
    )


def test_libraries_stay_in_their_place(product, report):
    report(
        f"{s.path}:{line}: {library} is imported only in {', '.join(homes)}"
        for s in product
        for line, name in s.imports()
        for library, homes in ONLY_IN.items()
        if within(name, library) and not any(within(s.module, home) for home in homes)
    )


def test_packages_use_their_own_libraries_only(product, report):
    def is_allowed(own: str, name: str) -> bool:
        top = name.split(".", maxsplit=1)[0]
        return top in sys.stdlib_module_names or top in OURS or top in MAY_USE[own]

    report(
        f"{s.path}:{line}: {own} may use {sorted(MAY_USE[own]) or 'the standard library'} only"
        f" ({name})"
        for s in product
        for own in [s.module.split(".")[0]]
        if own in MAY_USE
        for line, name in s.imports()
        if not is_allowed(own, name)
    )


def test_arithmetic_imports_nothing_else(product, report):
    report(
        f"{s.path}:{line}: {layer} may import {', '.join(allowed)} only ({name})"
        for s in product
        for layer, allowed in ARITHMETIC.items()
        if within(s.module, layer)
        for line, name in s.imports()
        if name.split(".", maxsplit=1)[0] not in sys.stdlib_module_names
        if not any(within(name, a) for a in (layer, *allowed))
    )
