"""Series in memory: values in an arena of blocks, tags in coded columns."""
