"""What the sandbox guarantees on this host, proved by attacking it.

attack    what a program of the corpus is, and which verdicts it may have
corpus/   the programs, one module a kind of attack; plain data
probes    files, sockets and processes that are put on the host for attacks, and inspected afterwards
check     runs the corpus, and says which guarantees hold
table     the result for people and as JSON
"""
