"""Documents of other tools, read into experiments: nothing of them is dropped in silence."""
