"""The dashboard: screens in a terminal over run folders, the platform's control API and the store.

What is drawn is a function of a snapshot (`panels`), what is asked runs in threads with time-outs
(`feeds`, `sources`), and what changes anything is a `chaosctl` command in a process of its own.
"""
