"""What runs inside the sandbox: standard library only, loaded by a clean interpreter.

protocol                      what the processes of a worker say to each other
launch                        a worker's start, in one of the ways: namespaces, on_host (landlock, rlimits)
rootfs                        the root that candidates see
privileges, rlimits, imports  what is given up, limited and loaded
kernel, seccomp, landlock     system calls that Python does not wrap
nursery, zygote               start a zygote after another; fork a candidate after another
traces, processes, holdings   what is left of a candidate, its processes, and what they hold
serving, candidate            the candidate's process
tests_side, trials            judge what the supervisor sends; one process after another
process, usage                one candidate's process, and what it uses, as the tests' side sees it
remote, codec, frames         its functions and objects, and what crosses
drivers                       the kinds of program: both ends of each
suites, claims, second_look, in_one_process    tests, compiled, looked into and run by the candidate
verdicts                      what came of a candidate, in words
"""
