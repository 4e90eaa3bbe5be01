"""Languages that are built before they are run."""

from __future__ import annotations

from passk_tasks.languages.record import Ending, Language, Signs, Tool

CPP = Language(
    name="cpp",
    title="C++",
    file="solution.cpp",
    tools=(Tool(("g++",)),),
    build=(("{g++}", "{source}", "-o", "{built}", "-std=c++17"),),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        '{ long long passk_end = 0; FILE* passk_file = fopen("@FILE@", "r"); '
        'if (passk_file && fscanf(passk_file, "%lld", &passk_end) == 1) '
        '{ printf("\\n%lld\\n", passk_end + @KEY@LL); fflush(stdout); } }\n',
        before=r"\}",
        # What the candidate may have made of the macro.
        replaced=(
            (r"\bint\s+main\s*\(", "\n#undef NDEBUG\n#include <assert.h>\n#include <stdio.h>\nint main("),
        ),
    ),
    files=("/usr/include/boost/any.hpp",),
    signs=Signs(failed=r"Assertion .* failed", memory=r"std::bad_alloc|std::length_error"),
    run_s=15.0,
    apt=("g++", "libboost-dev"),
)

LANGUAGES = (CPP,)
