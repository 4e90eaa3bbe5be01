"""The command `passk`: argument parsing and printing, nothing else.

app     the commands, what is printed for an error, and the exit code
score   re-execute saved samples
runs    what is in a folder of results
show    the summary of a stored run
compare which of several runs is better
curve   what more samples buy
plan    how many samples a wanted half-width takes
tasks   what there is to run
selfcheck   what the sandbox guarantees on this host
path    the folder for --include_path
"""

from passk_tasks.cli.app import main

__all__ = ["main"]
