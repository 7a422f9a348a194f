"""The platform's scaling groups, and the EC2 and Auto Scaling query APIs in front of them.

Decisions are pure (`decisions.py`, `tracking.py`); `group_keeper.py` carries them out on a fleet;
`cloud.py` is what an API call does; the two `…_actions.py` say it in AWS's words.
"""
