"""Commands as Hystrix runs them: what a call may cost, when it is not made, what is said instead.

`command.py` puts the parts together: `circuit.py` (the breaker), `bulkhead.py` (semaphores and
pools), `command_metrics.py` over `rolling.py` (what happened lately), `properties.py` (what may be
changed while it runs). `frames.py` and `stream.py` tell a dashboard; `turbine.py` and
`turbine_stream.py` add the streams of a cluster up. All but the two streams is free of I/O: clocks
are arguments, in milliseconds of a monotonic clock.

Behaviour is held against the answers of Hystrix 1.5.18 in `tests/data/hystrix/`.
"""
