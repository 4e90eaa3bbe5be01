"""What a language is to the judge: a frozen record, data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A program of a toolchain.

    Attributes:
        names: names that it may have, the preferred one first; it is looked for in `PATH`.
        version: arguments that make it print its version.
        home: arguments that make it print the folder of its toolchain, where `PATH` has only a starter of it.
        starts: the program that it only starts, as globs beside its own file; taken where one is there.
    """

    names: tuple[str, ...]
    version: tuple[str, ...] = ("--version",)
    home: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """The statement that the tests run last, and how it gets into their text.

    It prints, on a line of standard output of its own, the sum of two numbers: `@KEY@`, which is written into
    the text, and one that it reads from the file `@FILE@`, which holds it once and only while the program
    runs. Neither number is in the other's place, so whoever reads only one of them cannot print the sum.

    Attributes:
        statement: the statement.
        before: the statement goes before the last place where this regular expression matches; `""` for the
            end of the text.
        replaced: pairs of a regular expression and its replacement, for the tests' text, e.g. to call what a
            candidate may have replaced by another name; `@NAME@` in it is another number in each program.
    """

    statement: str
    before: str = ""
    replaced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a pass needs besides exit status 0 and the ending's line. Regular expressions, multiline.

    Attributes:
        silent: nothing on either stream but the ending's line.
        clean_stderr: nothing on standard error.
        required_stdout: standard output must match it; `""` requires nothing.
        refused_stdout: standard output must not match it; `""` refuses nothing.
        refused_stderr: standard error must not match it.
    """

    silent: bool = False
    clean_stderr: bool = False
    required_stdout: str = ""
    refused_stdout: str = ""
    refused_stderr: str = ""


@dataclass(frozen=True, slots=True)
class Signs:
    """Which words on the streams tell how a program failed: they name the verdict, they never make a pass.

    Attributes:
        failed: a failed assertion.
        syntax: the text does not compile, where compiling is part of the run.
        memory: memory was refused.
        raised: an uncaught exception, where it would be taken for a signal or for a failed assertion.
        failed_status: the exit status of a failed assertion that says nothing; 0 for none.
        wrong: the line that says what is wrong, where the first one does not.
    """

    failed: str = ""
    syntax: str = ""
    memory: str = ""
    raised: str = ""
    wrong: str = ""
    failed_status: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is made once on a host, from this package's own texts, so that each build takes less time.

    The folder is read-only for programs: none can leave anything in it for the next.

    Attributes:
        files: texts that the commands need, as name and text.
        commands: what makes it, run in the folder, which is `{prepared}` in every command.
        build: the commands in place of `Language.build`.
        run: the command in place of `Language.run`; empty for the same.
        environment: further variables, of the commands too.
        when: what the program's text must match for `build` to be used in place of the usual one; `""` for
            all texts.
        needed: whether programs cannot be built without it, since it has libraries.
    """

    commands: tuple[tuple[str, ...], ...]
    build: tuple[tuple[str, ...], ...]
    files: tuple[tuple[str, str], ...] = ()
    run: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    when: str = ""
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """One language, or one dialect of a benchmark's.

    Commands are argument lists. In them stand, in braces, the names of tools (`{g++}`: the first of
    `Tool.names`), and `{built}`, the file that a build makes. A build has `{source}`, the program's file; a
    run has `{memory_mib}`, and `{text}`: the program's text, or the one that the build made; it can be read
    once. A flag that starts with `?NAME:` is left out where the compiler does not link by a linker of that
    name.

    Attributes:
        name: what `CommandTests.language` holds, e.g. `cpp`.
        title: its name for people, e.g. `C++`.
        file: name of the program's file, e.g. `solution.cpp`; `*` stands for what `named` finds.
        tools: the programs that are needed.
        run: the command that runs it.
        ending: how a program proves that its tests ended.
        build: the commands that build it, one after another; empty where it is run from its text.
        makes: the file that the build makes, or a folder, with a slash at its end, which is
            packed into a jar.
        named: regular expression whose first group, in the program's text, is the name of its file.
        files: paths of libraries that are needed besides, each with a glob's wildcards.
        shows: paths that programs see, read-only, besides the tools' own and the system's libraries; those
            that this host lacks are left out.
        environment: variables of the commands, besides those that every program has.
        extras: further files in the working folder, name and text; `@NAMED@` in it is what `named` finds.
        prepared: what makes builds faster; verdicts are the same without, unless it is `needed`.
        rule: what a pass needs.
        signs: what tells how it failed.
        absent: what its tools say of a library that is not there, with the name as first group; none of the
            words that they have for a misspelt name, too. `""` where these cannot be told apart.
        build_s, run_s: least time limits, in CPU seconds; a run's setting may raise the second.
        reserves_mib: address space that the runtime reserves without using it.
        build_mib: memory that the build may use.
        overhead_mib: memory of the runtime itself, which a program may use besides its limit.
        needs_proc: whether its runtime does not start without `/proc`.
        apt, npm, pip: packages that bring tools and files, for the hint where they are missing.
    """

    name: str
    title: str
    file: str
    tools: tuple[Tool, ...]
    run: tuple[str, ...]
    ending: Ending
    build: tuple[tuple[str, ...], ...] = ()
    makes: str = ""
    named: str = ""
    files: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    extras: tuple[tuple[str, str], ...] = ()
    prepared: Prepared | None = None
    rule: Rule = Rule()
    signs: Signs = Signs()
    absent: str = ""
    build_s: float = 30.0
    run_s: float = 5.0
    reserves_mib: int = 0
    build_mib: int = 2048
    overhead_mib: int = 64
    needs_proc: bool = False
    apt: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
