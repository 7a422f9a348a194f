"""The filters that come with the edge, a file each; a file of the same name may take its place.

Beside what any filter has, these may have `bind(edge, route)`: asked whenever something changes for
what is to be done on a route, so that a limit that is not set costs nothing.
"""

from demo_platform.zuul.builtin import (
    answer_here,
    block_addresses,
    check_token,
    compress,
    explain_failure,
    forward,
    inject_faults,
    limit_rate,
    limit_size,
    proxy,
    shed_load,
    show_passport,
)
from demo_platform.zuul.filters import Filter, from_module

BUILT_IN: tuple[Filter, ...] = tuple(
    from_module(module)
    for module in (
        answer_here,
        block_addresses,
        check_token,
        compress,
        explain_failure,
        forward,
        inject_faults,
        limit_rate,
        limit_size,
        proxy,
        shed_load,
        show_passport,
    )
)
