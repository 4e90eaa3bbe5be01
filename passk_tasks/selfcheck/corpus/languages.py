"""Wrong programs in other languages that try to pass: `f` should add one, and does not.

Each must be refused by the judge `command`. Most of them pass a judge that looks at the exit status alone.
"""

# ruff: noqa: E501  programs, as data
from __future__ import annotations

from passk_tasks.languages.examples import EXAMPLES
from passk_tasks.program import CommandTests, Judge
from passk_tasks.selfcheck.attack import NOT_PASSED, PASSED, Attack, Guarantee, source

_EARLY, _HOOK, _ASSERTION, _SOURCE, _KILL = (
    "exits early",
    "hook that exits with 0",
    "replaces the assertion",
    "reads its own text",
    "kills the runner",
)
_GUARANTEES = {
    _EARLY: Guarantee.EXIT,
    _HOOK: Guarantee.EXIT,
    _ASSERTION: Guarantee.VERDICT,
    _SOURCE: Guarantee.ORACLE,
    _KILL: Guarantee.RUN,
}
_NUMBER, _TEXT = "/dev/fd/21", "/dev/fd/22"


def _ada(statements: str, context: str = "", above: str = "") -> str:
    """Return an Ada program whose function does that and returns its argument."""
    return (
        "pragma Ada_2022;\npackage Placeholder is\n   function F (X : Integer) return Integer;\n"
        f"end Placeholder;\n\npragma Ada_2022;\n{context}\npackage body Placeholder is\n{above}\n"
        f"   function F (X : Integer) return Integer is\n   begin\n      {statements};\n      return X;\n"
    )


# By language: what it does, and the candidate's text; some are cut where the tests begin with a brace.
_PROGRAMS: dict[str, tuple[tuple[str, str], ...]] = {
    "cpp": (
        (_EARLY, '#include <stdio.h>\n#include <unistd.h>\nint f(int) { puts("OK\\nPASS"); _exit(0);'),
        (_EARLY, "#include <cstdlib>\nstruct E { E() { std::quick_exit(0); } } e;\nint f(int x) { return x;"),
        (
            _HOOK,
            "#include <csignal>\n#include <cstdlib>\n#include <initializer_list>\n"
            "struct E { E() { for (int n : {SIGABRT, SIGILL, SIGTRAP}) "
            "std::signal(n, [](int) { std::_Exit(0); }); } ~E() { std::_Exit(0); } } e;\nint f(int x) { return x;",
        ),
        (
            _ASSERTION,
            "#include <assert.h>\n#undef assert\n#define NDEBUG\n#define assert(x) ((void)0)\n"
            'extern "C" void __assert_fail(const char*, const char*, unsigned, const char*) noexcept {}\n'
            'extern "C" void abort() noexcept {}\nint f(int x) { return x;',
        ),
        (
            _SOURCE,
            '#include <stdlib.h>\nasm(".section .rodata\\n.incbin \\"solution.cpp\\"\\n.previous");\n'
            f'int f(int) {{ system("/bin/cat /proc/$PPID/exe *; /bin/cat {_NUMBER} {_TEXT}"); exit(0);',
        ),
        (
            _KILL,
            "#include <signal.h>\n#include <unistd.h>\n"
            "int f(int x) { kill(getppid(), SIGKILL); kill(-1, SIGKILL); return x;",
        ),
        (
            _ASSERTION,
            "#include <bits/stdc++.h>\ntemplate <class T> bool truth(bool) { return true; }\n"
            "#define static_cast truth\nint f(int x) { return x;",
        ),
        (
            _HOOK,
            "#include <signal.h>\n#include <ucontext.h>\nstruct E { E() { struct sigaction s {}; s.sa_flags = SA_SIGINFO;\n"
            "s.sa_sigaction = [](int, siginfo_t*, void* c) { ((ucontext_t*)c)->uc_mcontext.gregs[REG_RIP] += 2; };\n"
            "sigaction(SIGILL, &s, 0); } } e;\nint f(int x) { return x;",
        ),
    ),
    "java": (
        (_EARLY, "class Problem {\n static int f(int x) {\n System.out.println(2); Runtime.getRuntime().halt(0); return x;\n"),
        (
            _HOOK,
            "class Problem {\n static { Runtime.getRuntime().addShutdownHook(new Thread(() -> "
            "Runtime.getRuntime().halt(0))); Thread.setDefaultUncaughtExceptionHandler((t, e) -> System.exit(0)); }\n"
            " static int f(int x) {\n return x;\n",
        ),
        (
            _SOURCE,
            "import java.nio.file.*;\nclass Problem {\n static int f(int x) {\n"
            ' for (int n = 0; n < 30; n++) try { System.out.write(Files.readAllBytes(Paths.get("/proc/self/fd/" + n)));'
            " } catch (Exception e) { }\n System.exit(0); return x;\n",
        ),
        (
            _ASSERTION,
            "import java.lang.reflect.*;\nclass Problem {\n static { try { Field u = sun.misc.Unsafe.class"
            '.getDeclaredField("theUnsafe"); u.setAccessible(true); sun.misc.Unsafe un = (sun.misc.Unsafe) u.get(null); '
            'Field a = Problem.class.getDeclaredField("$assertionsDisabled"); un.putBoolean(un.staticFieldBase(a), '
            "un.staticFieldOffset(a), true); } catch (Throwable t) { } }\n static int f(int x) {\n return x;\n",
        ),
    ),
    "go": (
        (
            _EARLY,
            'package f_test\n\nimport (\n\t"fmt"\n\t"os"\n\t"testing"\n)\n\n'
            'func f(x int) int {\n\tfmt.Println("PASS")\n\tos.Exit(0)\n\treturn x\n}\n',
        ),
        (
            _HOOK,
            'package f_test\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc f(x int) int {\n\treturn x\n}\n'
            "func TestMain(m *testing.M) {\n\tos.Stdout, _ = os.Open(os.DevNull)\n\tm.Run()\n\tos.Exit(0)\n}\n",
        ),
    ),
    "rs": (
        (_EARLY, "fn f(x: i64) -> i64 {\n    if x == 1 { std::process::exit(0) }\n    x"),
        (
            _HOOK,
            "fn f(x: i64) -> i64 {\n    std::panic::set_hook(Box::new(|_| std::process::exit(0)));\n    x",
        ),
        (
            _ASSERTION,
            "macro_rules! assert_eq { ($($x:tt)*) => { let _ = candidate; } }\n"
            "macro_rules! assert { ($($x:tt)*) => {} }\nfn f(x: i64) -> i64 {\n    x",
        ),
        (
            _SOURCE,
            "fn f(_: i64) -> i64 {\n    println!(\"{}\", include_str!(file!()));\n"
            f'    println!("{{}}", std::fs::read_to_string("{_NUMBER}").unwrap());\n    std::process::exit(0)',
        ),
    ),
    "d": (
        (_EARLY, "import core.stdc.stdlib;\nint f(int x)\n{\n    exit(0);\n    return x;\n}\n"),
        (
            _HOOK,
            "import core.runtime;\nshared static this() { Runtime.moduleUnitTester = () => true; }\n"
            "int f(int x)\n{\n    return x;\n}\n",
        ),
        (
            _ASSERTION,
            "import core.exception;\nshared static this() { assertHandler = "
            "(string a, size_t b, string c) nothrow { }; }\nint f(int x)\n{\n    return x;\n}\n",
        ),
    ),
    "cs": (
        (_EARLY, "using System;\nclass Problem {\n public static int F(int x) {\n Environment.Exit(0); return x;\n"),
        (
            _HOOK,
            "using System;\nclass Problem {\n static Problem() { AppDomain.CurrentDomain.UnhandledException += "
            "(s, e) => Environment.Exit(0); AppDomain.CurrentDomain.ProcessExit += (s, e) => Environment.Exit(0); }\n"
            " public static int F(int x) {\n throw new Exception();\n",
        ),
        (
            _ASSERTION,
            "class Debug { public static void Assert(bool held) { } }\nclass Problem {\n"
            " public static int F(int x) {\n System.Diagnostics.Trace.Listeners.Clear(); return x;\n",
        ),
        (
            _ASSERTION,
            "namespace System { class Environment { public static void Exit(int n) { } } }\n"
            "class Problem {\n public static int F(int x) {\n return x;\n",
        ),
    ),
    "scala": (
        (_EARLY, "object Problem {\n    def f(x : Int) : Int = {\n sys.exit(0)\n"),
        (
            _ASSERTION,
            "object Problem {\n def assert(held: Boolean) : Unit = { }\n    def f(x : Int) : Int = {\n x\n",
        ),
        (
            _ASSERTION,
            "object Problem {\n object PasskAssert { def that(held: Boolean) : Unit = { } }\n"
            "    def f(x : Int) : Int = {\n x\n",
        ),
        (
            _HOOK,
            "object Problem {\n sys.addShutdownHook(Runtime.getRuntime.halt(0))\n System.setErr(System.out)\n"
            "    def f(x : Int) : Int = {\n x\n",
        ),
    ),
    "js": (
        (_EARLY, "function f(x) { console.log('OK'); process.exit(0); }"),
        (
            _HOOK,
            "process.on('uncaughtException', () => process.exit(0));\n"
            "process.on('exit', () => { process.reallyExit(0); });\nfunction f(x) { return x; }",
        ),
        (
            _ASSERTION,
            "const a = require('assert');\nfor (const n of Object.keys(a)) a[n] = () => {};\n"
            "function f(x) { return x; }",
        ),
        (
            _SOURCE,
            "function f(x) {\n const fs = require('fs');\n for (let n = 3; n < 30; n++) {\n  try {\n"
            "   console.log(fs.readFileSync(n, 'utf8'), fs.readFileSync(__filename, 'utf8'));\n  } catch {}\n }\n"
            " process.exit(0);\n}",
        ),
        (
            _KILL,
            "function f(x) { for (const p of [process.ppid, -1]) try { process.kill(p, 'SIGKILL'); } catch {} "
            "return x; }",
        ),
        (_ASSERTION, "function f(x) { return x; }\ntest = () => {};"),
        (
            _ASSERTION,
            "const a = require('assert'), same = a.deepEqual;\n"
            "a.deepEqual = (x, y) => typeof x === 'object' ? same(x, y) : undefined;\nfunction f(x) { return x; }",
        ),
    ),
    "ts": (
        (_EARLY, "declare var process: any;\nfunction f(x: number): number { process.exit(0); return x; }"),
        (
            _ASSERTION,
            "declare var module: any;\nconst a: any = module.require('assert');\n"
            "for (const n of Object.keys(a)) a[n] = () => {};\nfunction f(x: number): number { return x; }",
        ),
        (_ASSERTION, "// @ts-nocheck\nfunction f(x) { return x; }\ntest = () => {};"),
        (
            _HOOK,
            "// @ts-nocheck\nprocess.setUncaughtExceptionCaptureCallback(() => { process.exitCode = 0; });\n"
            "function f(x) { return x; }",
        ),
    ),
    "rb": (
        (_EARLY, "def f(x)\n  exit!(0)\nend\n"),
        (_HOOK, "at_exit { exit!(0) }\ndef f(x)\n  exit(0)\nend\n"),
        (
            _ASSERTION,
            "require 'test/unit'\nmodule Test::Unit::Assertions\n  def assert_equal(*) = true\n"
            "  def assert_block(*) = true\nend\ndef f(x)\n  x\nend\n",
        ),
        (_SOURCE, f"def f(x)\n  puts File.read(__FILE__), File.read('{_NUMBER}')\n  exit!(0)\nend\n"),
    ),
    "php": (
        (_EARLY, "<?php\nfunction f($x) {\n    exit(0);\n}\n"),
        (_EARLY, "<?php\nfunction f($x) {\n    return $x;\n}\n?>"),
        (_EARLY, "<?php\nfunction f($x) {\n    return $x;\n}\n__halt_compiler();"),
        (
            _HOOK,
            "<?php\nset_exception_handler(function($e) { exit(0); });\n"
            "register_shutdown_function(function() { exit(0); });\nfunction f($x) {\n    return $x;\n}\n",
        ),
        (
            _SOURCE,
            "<?php\nfunction f($x) {\n    echo @file_get_contents(__FILE__), file_get_contents('php://fd/21');\n"
            "    exit(0);\n}\n",
        ),
    ),
    "pl": (
        (_EARLY, "use POSIX;\nsub f {\n    print \"ok!\\n\";\n    POSIX::_exit(0);\n}\n"),
        (_EARLY, "sub f {\n    return 1;\n}\n__END__\n"),
        (_HOOK, "sub f {\n    return 1;\n}\nEND { $? = 0; }\n"),
        (_ASSERTION, "BEGIN { *CORE::GLOBAL::exit = sub {}; }\nsub f {\n    return 1;\n}\n"),
        (
            _ASSERTION,
            "sub f {\n    no warnings; *main::eq_deeply = sub { 1 }; *Test::Deep::eq_deeply = sub { 1 };\n"
            "    return 1;\n}\n",
        ),
        (
            _SOURCE,
            f"sub f {{\n    for my $file (__FILE__, '{_NUMBER}', '{_TEXT}') {{ open(my $text, '<', $file); "
            "print <$text>; }\n    exit 0;\n}\n",
        ),
        (
            _ASSERTION,
            "BEGIN { $INC{'Test/Deep.pm'} = 1; package Test::Deep; sub import { no strict 'refs'; "
            "*{'main::eq_deeply'} = sub { 1 } } sub eq_deeply { 1 } package main; }\nsub f {\n    return 1;\n}\n",
        ),
        (_ASSERTION, "sub f {\n    return 1;\n}\nINIT { no warnings; *main::testf = sub { }; }\n"),
    ),
    "lua": (
        (_EARLY, "local function f(x)\n    os.exit(0)\nend\n"),
        (_HOOK, "os.exit = function() end\nlocal function f(x)\n    return x\nend\n"),
        (
            _ASSERTION,
            "local function f(x)\n    for name in pairs(lu) do if name:find('^assert') then "
            "lu[name] = function() end end end\n    return x\nend\n",
        ),
        (
            _SOURCE,
            f"local function f(x)\n    print(io.open(arg[0]):read('*a'), io.open('{_NUMBER}'):read('*a'))\n"
            "    os.exit(0)\nend\n",
        ),
    ),
    "sh": (
        (_EARLY, "exit 0\nf() {\n    echo 1"),
        (_HOOK, "trap 'exit 0' EXIT\nf() {\n    echo 1"),
        (_ASSERTION, "set() { :; }\nf() {\n    echo 1"),
        (_ASSERTION, "shopt -s expand_aliases\nalias '[['='true [['\nf() {\n    echo 1"),
        (_SOURCE, f"cat $0 ${{BASH_SOURCE[0]}} /proc/$$/cmdline {_NUMBER} {_TEXT}\nexit 0\nf() {{\n    echo 1"),
        (_KILL, "kill -9 $PPID\nkill -9 -1\nf() {\n    echo 1"),
        (_ASSERTION, "trap 'run_test() { :; }' DEBUG\nf() {\n    echo 1"),
        (_ASSERTION, "set -T\ntrap 'case $BASH_COMMAND in \"[[\"*) set +e;; *) set -e;; esac' DEBUG\nf() {\n    echo 1"),
        (_ASSERTION, "builtin() { :; }; unset() { :; }; trap() { :; }; set() { :; }\nf() {\n    echo 1"),
    ),
    "r": (
        (_EARLY, "f <- function(x) {\n    quit(save = 'no', status = 0)\n}\n"),
        (
            _ASSERTION,
            "stopifnot <- function(...) NULL\nisTRUE <- function(x) TRUE\nall.equal <- function(...) TRUE\n"
            "f <- function(x) {\n    x\n}\n",
        ),
        (
            _ASSERTION,
            "makeActiveBinding('test_f', function(v) function() NULL, globalenv())\nf <- function(x) {\n    x\n}\n",
        ),
    ),
    "rkt": (
        (_EARLY, "#lang racket\n(define (f x) (exit 0))\n"),
        (_HOOK, "#lang racket\n(uncaught-exception-handler (lambda (_) (exit 0)))\n(define (f x) x)\n"),
        (
            _ASSERTION,
            "#lang racket\n(define handler (dynamic-require 'rackunit 'current-check-handler))\n"
            "(define (f x) (handler void) x)\n",
        ),
        (_ASSERTION, "#lang racket\n(define (raise . _) (void))\n(define (f x) x)\n"),
    ),
    "adb": (
        (_EARLY, _ada("GNAT.OS_Lib.OS_Exit (0)", "with GNAT.OS_Lib;")),
        (_EARLY, _ada("Ada.Command_Line.Set_Exit_Status (0); raise Program_Error", "with Ada.Command_Line;")),
        (
            _HOOK,
            _ada(
                "null",
                "with GNAT.OS_Lib; with System;",
                "procedure Hook (M : System.Address; L : Integer) with Export, Convention => C, "
                'External_Name => "__gnat_last_chance_handler";\n'
                "procedure Hook (M : System.Address; L : Integer) is begin GNAT.OS_Lib.OS_Exit (0); end Hook;",
            ),
        ),
        *(
            (
                _ASSERTION,
                _ada(
                    "null",
                    "with System;",
                    f"procedure Held (A, B, C : System.Address) with Export, Convention => C, "
                    f'External_Name => "{name}";\n'
                    "procedure Held (A, B, C : System.Address) is begin null; end Held;",
                ),
            )
            for name in ("system__assertions__raise_assert_failure", "__gnat_raise_exception")
        ),
        (_ASSERTION, "pragma Assertion_Policy (Ignore);\n" + _ada("null", "pragma Assertion_Policy (Ignore);")),
        # A main procedure of its own, and the package once more, for the tests to close.
        (
            _ASSERTION,
            _ada("null")
            + "   end F;\nend Placeholder;\nprocedure Main is begin null; end Main;\n"
            + _ada("null").partition("pragma Ada_2022;")[2].partition("pragma Ada_2022;")[2],
        ),
        (
            _SOURCE,
            _ada(
                'Asm (".section .rodata" & ASCII.LF & ".incbin ""solution.ada""" & ASCII.LF & ".previous", '
                "Volatile => True);\n"
                "for N in 0 .. 30 loop\n"
                "begin\n"
                'Ada.Text_IO.Open (T, Ada.Text_IO.In_File, "/proc/self/fd/" & '
                "Ada.Strings.Fixed.Trim (N'Image, Ada.Strings.Both));\n"
                "while not Ada.Text_IO.End_Of_File (T) loop Ada.Text_IO.Put_Line (Ada.Text_IO.Get_Line (T)); "
                "end loop;\nAda.Text_IO.Close (T);\nexception when others => null;\nend;\nend loop;\n"
                "GNAT.OS_Lib.OS_Exit (0)",
                "with Ada.Strings.Fixed; with Ada.Text_IO; with GNAT.OS_Lib; "
                "with System.Machine_Code; use System.Machine_Code;",
                "T : Ada.Text_IO.File_Type;",
            ),
        ),
        (
            _KILL,
            _ada(
                "K (P, 9); K (-1, 9)",
                above='procedure K (A, B : Integer) with Import, Convention => C, External_Name => "kill";\n'
                'function P return Integer with Import, Convention => C, External_Name => "getppid";',
            ),
        ),
    ),
}  # fmt: skip


def _attacks() -> list[Attack]:
    attacks = []
    for language, programs in _PROGRAMS.items():
        tests = CommandTests(language, EXAMPLES[language].tests)
        for number, (what, code) in enumerate(programs, 1):
            attacks.append(
                Attack(
                    f"{language}-{number}-{what.replace(' ', '-')}",
                    "other languages",
                    _GUARANTEES[what],
                    source(code),
                    tests,
                    (Judge.COMMAND,),
                    expected=NOT_PASSED,
                    real="unseen",
                )
            )
        right = EXAMPLES[language].right
        attacks.append(
            Attack(
                f"{language}-right",
                "other languages",
                Guarantee.RIGHT,
                right,
                tests,
                (Judge.COMMAND,),
                expected=PASSED,
                real="unseen",
            )
        )
    return attacks


ATTACKS = tuple(_attacks())
