"""Pictures of snapshots: lines of exactly the asked width. No input or output."""
