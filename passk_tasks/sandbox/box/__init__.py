"""What runs inside the sandbox: standard library only, loaded by a clean interpreter.

protocol                      what the processes of a worker tell each other
launch                        a worker's start, in one of the ways: namespaces, on_host (landlock, rlimits)
rootfs                        the root that candidates see
privileges, rlimits, imports  what is given up, limited and loaded
kernel, seccomp, landlock     system calls that Python does not wrap
nursery, zygote               start a zygote after another; fork a candidate after another
traces, processes, holdings   what a candidate leaves behind, its processes, and what they hold
ledger                        what sandboxes on one CPU tell each other of the numbers that they take
serving, candidate            the candidate's process
tests_side, trials            judge what the supervisor sends; run one candidate after another
process, usage                the tests' side's view of a candidate's process, and of what it uses
remote, codec, frames         the candidate's functions and objects as tests see them; messages
drivers                       the kinds of program: the candidate's end and the tests' end of each
suites                        the tests of one problem, compiled
claims, second_look           values that tests expect; tests with another value
in_one_process                tests that run in the candidate's process
verdicts                      what came of a candidate, in words
"""
