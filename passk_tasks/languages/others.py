"""Languages written by MultiPL-E's own code for them; few hosts have their toolchains."""

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
    absent=r"Package (\w+) not found",
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
    absent=r"no such module '(\w+)'",
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
    absent=r"Could not find module [‘`']([\w.]+)[’']",
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
    absent=r"Unbound module (\w+)",
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
    absent=r"module (\w[\w.]*) is not loaded and could not be found",
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

DART = Language(
    name="dart",
    title="Dart",
    file="solution.dart",
    tools=(Tool(("dart",)),),
    build=(
        ("{dart}", "analyze", "--no-fatal-warnings", "{source}"),
        ("{dart}", "compile", "kernel", "passk_end.dart", "-o", "{built}"),
    ),
    makes="solution.dill",
    run=("{dart}", "{built}"),
    # A file imports at its top, above the candidate: so the proof is printed by a file that runs the tests.
    ending=Ending(
        "  passkEnd = @KEY@;\n",
        before=r"^\}\s*void\s+expect\s*\(",
        replaced=((r"\Z", "\nint passkEnd = 0;\n"),),
    ),
    extras=(
        (
            "passk_end.dart",
            "import 'dart:io';\nimport 'solution.dart' as solution;\n\nvoid main() {\n  solution.main();\n"
            "  final given = int.parse(File('@FILE@').readAsStringSync().trim());\n"
            "  print('\\n${given + solution.passkEnd}');\n}\n",
        ),
    ),
    absent=r"resolve the package '(\w+)'",
    signs=Signs(
        failed=r"^Unhandled exception:\n(.* != |list lengths|map lengths)",
        memory=r"Out of [Mm]emory|OutOfMemoryError",
        wrong=r"^Unhandled exception:\n.*|error - |Error: ",
    ),
    build_s=60.0,
    run_s=15.0,
    reserves_mib=16384,
    overhead_mib=256,
    # It finds its own libraries by its file's place.
    needs_proc=True,
)

ADB = Language(
    name="adb",
    title="Ada",
    file="solution.ada",
    tools=(Tool(("gnatmake",)), Tool(("gnatchop",)), Tool(("gcc",))),
    # Each unit gets a file of its own; the tests are the procedure `Main`.
    build=(
        ("{gnatchop}", "-q", "-w", "{source}"),
        ("{gnatmake}", "-q", "-gnatW8", "-gnata", "-gnateE", "main.adb", "-o", "{built}"),
    ),
    makes="main",
    run=("{built}",),
    ending=Ending(
        "   if Passk_Held then\n      declare\n         Passk_File : Standard.Ada.Text_IO.File_Type;\n"
        "      begin\n"
        '         Standard.Ada.Text_IO.Open (Passk_File, Standard.Ada.Text_IO.In_File, "@FILE@");\n'
        "         Standard.Ada.Text_IO.New_Line (Standard.Ada.Text_IO.Standard_Output);\n"
        "         Standard.Ada.Long_Long_Integer_Text_IO.Put (Standard.Ada.Text_IO.Standard_Output, "
        "Standard.Long_Long_Integer'Value (Standard.Ada.Text_IO.Get_Line (Passk_File)) + @KEY@, 1);\n"
        "         Standard.Ada.Text_IO.New_Line (Standard.Ada.Text_IO.Standard_Output);\n"
        "      end;\n   end if;\n",
        before=r"^\s*end\s+Main\s*;",
        # A candidate can put another procedure in the place of the runtime's that a failed assertion calls.
        replaced=(
            (
                r"^[ \t]*procedure\s+Main\s+is\b",
                "with Ada.Assertions;\nwith Ada.Long_Long_Integer_Text_IO;\nwith Ada.Text_IO;\n"
                "procedure Main is\n   Passk_Held : Standard.Boolean := Standard.True;\n"
                "   procedure Passk_Assert@NAME@ (Held : Standard.Boolean) is\n   begin\n"
                "      if not Held then\n         Passk_Held := Standard.False;\n"
                "         raise Standard.Ada.Assertions.Assertion_Error;\n      end if;\n"
                "   end Passk_Assert@NAME@;",
            ),
            (r"\bpragma\s+Assert\s*\(", "Passk_Assert@NAME@ ("),
        ),
    ),
    signs=Signs(
        failed=r"ASSERTIONS\.ASSERT",
        memory=r"STORAGE_ERROR : .*(heap exhausted|object too large)|virtual memory exhausted",
        wrong=r"^\S+\.ad[abs]:\d+:\d+: (?!warning|\(style)|raised ",
    ),
    run_s=15.0,
    apt=("gnat",),
)

LANGUAGES = (JL, SWIFT, HS, ML, CLJ, ELIXIR, DART, ADB)
