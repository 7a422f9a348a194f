"""A command per file; COMMANDS is the table of them."""
