"""Languages written by MultiPL-E's own code for them; few hosts have their toolchains.

Dart and Ada are missing: a Dart program can read no file without an import at its top, and the form of
MultiPL-E's Ada tests is not known here.
"""

from __future__ import annotations

from passk_tasks.languages.compiled import JVM
from passk_tasks.languages.record import Ending, Language, Rule, Signs, Tool

JL = Language(
    name="jl",
    title="Julia",
    file="solution.jl",
    tools=(Tool(("julia",)),),
    run=("{julia}", "--startup-file=no", "{text}"),
    # A test set that failed raises at its end.
    ending=Ending(
        'Base.println("\\n", Base.parse(Base.Int, Base.strip(Base.read("@FILE@", Base.String))) + @KEY@)\n'
    ),
    signs=Signs(
        failed=r"Test Failed|Some tests did not pass",
        syntax=r"syntax: |ParseError",
        memory=r"OutOfMemoryError",
        wrong=r"^ERROR: ",
    ),
    reserves_mib=16384,
    overhead_mib=512,
)

SWIFT = Language(
    name="swift",
    title="Swift",
    file="solution.swift",
    tools=(Tool(("swiftc",)), Tool(("clang", "cc", "gcc"))),
    build=(("{swiftc}", "{source}", "-o", "{built}"),),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        '\nimport Foundation\nfreopen("@FILE@", "r", stdin)\n'
        'if let passkLine = readLine(), let passk = Int(passkLine) { print("\\n\\(passk + @KEY@)") }\n'
    ),
    signs=Signs(failed=r"Assertion failed", wrong=r"error: "),
    build_s=60.0,
    reserves_mib=4096,
)

HS = Language(
    name="hs",
    title="Haskell",
    file="solution.hs",
    tools=(Tool(("ghc",)),),
    build=(("{ghc}", "-v0", "-O0", "-o", "{built}", "{source}"),),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        '  Prelude.readFile "@FILE@" Prelude.>>= \\passk -> Prelude.putStrLn '
        '("\\n" Prelude.++ Prelude.show ((Prelude.read passk :: Prelude.Integer) Prelude.+ @KEY@))\n',
        before=r"^  pure \(\)",
    ),
    signs=Signs(failed=r"assertion failed", memory=r"out of memory|heap overflow", wrong=r"error:(\n.*)?"),
    shows=("/var/lib/ghc/package.conf.d",),
    build_s=60.0,
    run_s=15.0,
    # The runtime reserves a terabyte of address space.
    reserves_mib=1 << 21,
    apt=("ghc",),
)

ML = Language(
    name="ml",
    title="OCaml",
    file="solution.ml",
    tools=(Tool(("ocamlopt",), ("-version",)), Tool(("cc", "gcc", "clang"))),
    build=(("{ocamlopt}", "-w", "-a", "{source}", "-o", "{built}"),),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        'let () = Stdlib.Printf.printf "\\n%d\\n%!" (Stdlib.int_of_string (Stdlib.String.trim '
        '(Stdlib.input_line (Stdlib.open_in "@FILE@"))) + @KEY@)\n'
    ),
    signs=Signs(failed=r"Assert_failure", memory=r"Out_of_memory|Out of memory", wrong=r"^Error|exception"),
    run_s=15.0,
    apt=("ocaml-nox", "gcc"),
)

_CLOJURE = "/usr/share/java/clojure.jar"

CLJ = Language(
    name="clj",
    title="Clojure",
    file="solution.clj",
    tools=(Tool(("java",), ("-version",)), Tool(("clojure",), ("-e", "(clojure-version)"))),
    run=("{java}", *JVM, "-cp", _CLOJURE, "clojure.main", "{text}"),
    ending=Ending(
        '(println (str "\\n" (+ (Long/parseLong (.trim (slurp "@FILE@"))) @KEY@)))\n',
        # A test that fails only says so.
        replaced=(
            (
                r"^\(run-test test-humaneval\)",
                "(when-not (clojure.test/successful? (run-test test-humaneval)) (System/exit 1))",
            ),
        ),
    ),
    shows=("/etc/java-*-openjdk",),
    rule=Rule(required_stdout=r"^0 failures, 0 errors\.$"),
    signs=Signs(
        failed=r"^FAIL in ",
        syntax=r"Syntax error (reading|compiling)",
        memory=r"OutOfMemoryError",
        wrong=r"error|Exception",
    ),
    files=(_CLOJURE,),
    run_s=15.0,
    reserves_mib=16384,
    overhead_mib=384,
    apt=("clojure", "default-jdk-headless"),
)

_ERLANG_VERSION = ("-noshell", "-eval", "io:put_chars(erlang:system_info(version)), halt().")

ELIXIR = Language(
    name="elixir",
    title="Elixir",
    file="solution.exs",
    tools=(Tool(("elixir",), ("--short-version",)), Tool(("erl",), _ERLANG_VERSION)),
    # By itself it takes no text that is not a file with a name.
    run=("{elixir}", "-e", "Code.eval_string(File.read!('{text}'))"),
    ending=Ending(
        '\n    IO.puts("\\n#{String.to_integer(String.trim(File.read!("@FILE@"))) + @KEY@}")\n  ',
        before=r"\bend\s+end\s*\Z",
    ),
    signs=Signs(
        failed=r"^Assertion with|Assertion with ",
        syntax=r"\((SyntaxError|TokenMissingError|CompileError)\)",
        memory=r"Cannot allocate|eheap_alloc",
        wrong=r"\*\* \(",
    ),
    run_s=15.0,
    reserves_mib=4096,
    overhead_mib=256,
    apt=("elixir",),
)  # fmt: skip

LANGUAGES = (JL, SWIFT, HS, ML, CLJ, ELIXIR)
