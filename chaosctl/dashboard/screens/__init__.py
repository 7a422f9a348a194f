"""The screens: each lays out panes, knows what is selected, and what its keys do."""
