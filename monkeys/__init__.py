"""The Simian Army: faults and the policies that choose whom to hit. Imports nothing of ours."""
