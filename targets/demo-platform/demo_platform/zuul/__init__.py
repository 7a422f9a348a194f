"""The edge as Zuul: filters in phases, routing, limits, shedding, faults for single requests."""
