"""The command `passk`: each module parses arguments, calls `api` and renders what comes back.

app     the commands, what is printed for an error, and the exit code
score   re-execute saved samples
runs    what is in a folder of results
show    the summary of a stored run
compare which of several runs is better
curve   what more samples buy
plan    how many samples a wanted half-width takes
report  one page about stored runs
export  the files that leaderboards accept
tasks   what there is to run
audit   what the tests of a benchmark are worth
selfcheck   what the sandbox guarantees on this host
path    the folder for --include_path
options what the commands share
"""

from passk_tasks.cli.app import main

__all__ = ["main"]
