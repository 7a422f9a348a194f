"""Frames: a command or a pool as a line of `/hystrix.stream`, under the names a dashboard reads."""

from __future__ import annotations

from collections.abc import Iterator

from demo_platform.hystrix.bulkhead import Pool
from demo_platform.hystrix.command import Command
from demo_platform.hystrix.events import Event
from demo_platform.hystrix.properties import CommandProperties
from demo_platform.hystrix.rolling import Latencies, mean_ms, percentile_ms
from demo_platform.hystrix.runtime import Runtime

Frame = dict[str, object]

COUNTS = {
    "rollingCountBadRequests": Event.BAD_REQUEST,
    "rollingCountCollapsedRequests": Event.COLLAPSED,
    "rollingCountEmit": Event.EMIT,
    "rollingCountExceptionsThrown": Event.EXCEPTION_THROWN,
    "rollingCountFailure": Event.FAILURE,
    "rollingCountFallbackEmit": Event.FALLBACK_EMIT,
    "rollingCountFallbackFailure": Event.FALLBACK_FAILURE,
    "rollingCountFallbackMissing": Event.FALLBACK_MISSING,
    "rollingCountFallbackRejection": Event.FALLBACK_REJECTION,
    "rollingCountFallbackSuccess": Event.FALLBACK_SUCCESS,
    "rollingCountResponsesFromCache": Event.RESPONSE_FROM_CACHE,
    "rollingCountSemaphoreRejected": Event.SEMAPHORE_REJECTED,
    "rollingCountShortCircuited": Event.SHORT_CIRCUITED,
    "rollingCountSuccess": Event.SUCCESS,
    "rollingCountThreadPoolRejected": Event.THREAD_POOL_REJECTED,
    "rollingCountTimeout": Event.TIMEOUT,
}

PERCENTILES = ("0", "25", "50", "75", "90", "95", "99", "99.5", "100")


def frames(runtime: Runtime, *, wall_ms: int) -> Iterator[Frame]:
    """Everything there is to say now: the commands, and the pools that have done something."""
    for command in runtime.commands.values():
        yield command_frame(command, wall_ms=wall_ms)
    for pool in runtime.pools.values():
        if pool.completed:
            yield pool_frame(pool, now_ms=runtime.now_ms(), wall_ms=wall_ms)


def command_frame(command: Command, *, wall_ms: int) -> Frame:
    """A command as it is now; looking at it may open its circuit."""
    now_ms = command.turn()
    command.properties.refresh()
    metrics, circuit, properties = command.metrics, command.circuit, command.properties
    circuit.turn(now_ms)
    latencies = _latencies(metrics.latencies)
    mean = mean_ms(metrics.latencies)
    return {
        "type": "HystrixCommand",
        "name": command.name,
        "group": command.group,
        "currentTime": wall_ms,
        "isCircuitBreakerOpen": properties.circuit_enabled and circuit.is_open(now_ms),
        "errorPercentage": circuit.error_percent,
        "errorCount": circuit.errors,
        "requestCount": circuit.requests,
        **{name: metrics.rolling(event) for name, event in COUNTS.items()},
        "currentConcurrentExecutionCount": metrics.concurrent,
        "rollingMaxConcurrentExecutionCount": metrics.most_concurrent,
        "latencyExecute_mean": mean,
        "latencyExecute": latencies,
        "latencyTotal_mean": mean,
        "latencyTotal": latencies,
        **_property_values(properties),
        "reportingHosts": 1,
        "threadPool": properties.pool_override or command.group,
    }


def pool_frame(pool: Pool, *, now_ms: float, wall_ms: int) -> Frame:
    """A pool as it is now."""
    pool.turn(now_ms)
    pool.properties.refresh()
    return {
        "type": "HystrixThreadPool",
        "name": pool.name,
        "currentTime": wall_ms,
        "currentActiveCount": pool.active,
        "currentCompletedTaskCount": pool.completed,
        "currentCorePoolSize": pool.properties.core_size,
        "currentLargestPoolSize": pool.size,
        "currentMaximumPoolSize": pool.properties.core_size,
        "currentPoolSize": pool.size,
        "currentQueueSize": pool.queued,
        "currentTaskCount": pool.completed + pool.active + pool.queued,
        "rollingCountThreadsExecuted": pool.executed,
        "rollingMaxActiveThreads": pool.most_active,
        "rollingCountCommandRejections": pool.rejected,
        "propertyValue_queueSizeRejectionThreshold": pool.properties.queue_rejection,
        "propertyValue_metricsRollingStatisticalWindowInMilliseconds": (
            pool.properties.rolling_window_ms
        ),
        "reportingHosts": 1,
    }


def _latencies(latencies: Latencies) -> dict[str, int]:
    return {percent: percentile_ms(latencies, float(percent)) for percent in PERCENTILES}


def _property_values(properties: CommandProperties) -> Frame:
    return {
        "propertyValue_circuitBreakerRequestVolumeThreshold": properties.request_volume_threshold,
        "propertyValue_circuitBreakerSleepWindowInMilliseconds": properties.sleep_window_ms,
        "propertyValue_circuitBreakerErrorThresholdPercentage": properties.error_threshold_percent,
        "propertyValue_circuitBreakerForceOpen": properties.force_open,
        "propertyValue_circuitBreakerForceClosed": properties.force_closed,
        "propertyValue_circuitBreakerEnabled": properties.circuit_enabled,
        "propertyValue_executionIsolationStrategy": properties.strategy,
        "propertyValue_executionIsolationThreadTimeoutInMilliseconds": properties.timeout_ms,
        "propertyValue_executionTimeoutInMilliseconds": properties.timeout_ms,
        "propertyValue_executionIsolationThreadInterruptOnTimeout": properties.interrupt_on_timeout,
        "propertyValue_executionIsolationThreadPoolKeyOverride": properties.pool_override,
        "propertyValue_executionIsolationSemaphoreMaxConcurrentRequests": properties.concurrent_max,
        "propertyValue_fallbackIsolationSemaphoreMaxConcurrentRequests": properties.fallbacks_max,
        "propertyValue_metricsRollingStatisticalWindowInMilliseconds": properties.rolling_window_ms,
        "propertyValue_requestCacheEnabled": properties.cache_enabled,
        "propertyValue_requestLogEnabled": properties.log_enabled,
    }
