"""The experiment document: its model, its loader, its schema."""
