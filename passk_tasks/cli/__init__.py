"""The command `passk`: each module parses arguments, calls `api` and renders the result.

app     the commands, what is printed for an error, and the exit code
score   re-execute saved samples
runs    the runs in a folder of results
show    the summary of a stored run
compare which of several runs is better
curve   what more samples buy
plan    how many samples a half-width needs
report  one page about stored runs
export  the files that leaderboards accept
tasks   the tasks and what each needs
audit   how good the tests of a benchmark are
selfcheck   what the sandbox guarantees on this host
path    the folder for --include_path
options the options that commands share
"""

from passk_tasks.cli.app import main

__all__ = ["main"]
