"""A video service in miniature, made of real processes: something to break on purpose."""
