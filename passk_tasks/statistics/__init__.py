"""Mathematics on numpy arrays: no I/O, no clock, a seed wherever there is chance."""
