"""The members of a region and their devices: the load of the platform.

Read in this order: `intent.py` (what a member comes for, drawn on arrival), `visit.py` (the states
that a visit goes through), `device.py` (how a device asks, and asks again), `connections.py` (its
HTTP), `counts.py` (what is counted of it), `viewers.py` (who comes when: the loop of it all).
"""
