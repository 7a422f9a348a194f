"""Faults of single processes and their disks, made from outside by the kernel's own calls.

`holder.py` is a process that keeps such a fault in and lets go at its deadline; `holding.py` starts
and ends it, and takes back what a killed one left. `usage.py` looks. Standard library only.
"""
