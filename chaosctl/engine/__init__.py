"""The engine: plans, runs, journals, undoes.

Drivers, fault tables and stores are passed in; the engine imports none of them.
"""
