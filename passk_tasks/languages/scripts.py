"""Languages that are run from their text."""

from __future__ import annotations

from dataclasses import replace

from passk_tasks.languages.record import Ending, Language, Rule, Signs, Tool

_NODE = Tool(("node", "nodejs"))

JS = Language(
    name="js",
    title="JavaScript",
    file="solution.js",
    tools=(_NODE,),
    run=("{node}", "--preserve-symlinks-main", "--max-old-space-size={memory_mib}", "{text}"),
    ending=Ending(
        # Assertions that must fail, since a candidate may have replaced the module's functions.
        ";{ const passk = require('node:assert'); let held = false; "
        "const pairs = [[[1, 2], [2, 1]], [1, 2], ['a', 'b'], [true, false], [{a: 1}, {a: 2}], [null, 1]]; "
        "for (const pair of pairs) for (const same of [passk.deepEqual, passk.strictEqual]) "
        "try { same(pair[0], pair[1]); held = true; } catch {} "
        "if (!held) require('node:fs').writeSync(1, "
        "'\\n' + (Number(require('node:fs').readFileSync('@FILE@', 'latin1')) + @KEY@) + '\\n'); }\n",
        # Within the function, since a candidate may have put another in its place.
        before=r"^\}\s*test\(\);?\s*\Z",
    ),
    absent=r"Cannot find module '([^./'][^']*)'",
    signs=Signs(
        failed=r"AssertionError",
        syntax=r"^SyntaxError: .*\n\s+at (wrapSafe|internalCompileFunction|new Script|checkSyntax)\b",
        memory=r"heap out of memory|Array buffer allocation failed|Invalid array length",
        wrong=r"^\w*Error\b|error TS\d+",
    ),
    # Its configuration is the host's, which no program may read.
    environment=(("OPENSSL_CONF", "/dev/null"),),
    reserves_mib=16384,
    overhead_mib=128,
    apt=("nodejs",),
)

TS = replace(
    JS,
    name="ts",
    title="TypeScript",
    file="solution.ts",
    tools=(
        _NODE,
        # From version 7 on, a program that node only starts.
        Tool(("tsc",), starts=tuple(f"{at}/@typescript/*/lib/tsc" for at in ("../node_modules", "../.."))),
    ),
    build=(("{tsc}", "--target", "esnext", "--skipLibCheck", "{source}"),),
    makes="solution.js",
    npm=("typescript",),
)

RB = Language(
    name="rb",
    title="Ruby",
    file="solution.rb",
    tools=(Tool(("ruby",)),),
    run=("{ruby}", "{text}"),
    ending=Ending(
        "\n    passk_held = begin; assert_equal([1, 2], [2, 1]); true; "
        "rescue Test::Unit::AssertionFailedError; false; end\n"
        '    STDOUT.syswrite("\\n#{Integer(File.read("@FILE@")) + @KEY@}\\n") unless passk_held\n  ',
        before=r"\bend\s+end\s*\Z",
    ),
    files=("/usr/share/rubygems-integration/all/gems/test-unit-*",),
    absent=r"cannot load such file -- (\S+)",
    signs=Signs(
        failed=r"^Failure: |AssertionFailedError",
        syntax=r"syntax error|SyntaxError",
        memory=r"NoMemoryError|failed to allocate memory",
        wrong=r"\w*Error\b",
    ),
    apt=("ruby", "ruby-test-unit"),
)

PHP = Language(
    name="php",
    title="PHP",
    file="solution.php",
    tools=(Tool(("php",)),),
    run=("{php}", "-d", "memory_limit={memory_mib}M", "{text}"),
    ending=Ending(';fwrite(STDOUT, "\\n" . ((int) file_get_contents("php://fd/@FD@") + @KEY@) . "\\n");\n'),
    shows=("/etc/php",),
    rule=Rule(refused_stdout="PHP Parse error", refused_stderr="PHP Parse error"),
    absent=r"Failed opening required '([^']+)'",
    signs=Signs(
        failed=r"Uncaught Exception: Test failed!",
        syntax=r"(PHP )?Parse error: ",
        memory=r"Allowed memory size of|Out of memory",
        wrong=r"Fatal error: ",
    ),
    run_s=15.0,
    apt=("php-cli",),
)

PL = Language(
    name="pl",
    title="Perl",
    file="solution.pl",
    tools=(Tool(("perl",), ("-e", 'printf "%vd", $^V')),),
    # What the tests call is taken before a candidate can replace it.
    run=(
        *("{perl}", "-MTest::Deep ()"),
        *("-Mconstant PASSK_EQ => \\&Test::Deep::eq_deeply", "{text}"),
    ),
    ending=Ending(
        "{ open(my $passk, '<', '@FILE@'); my $given = <$passk>; "
        'CORE::print STDOUT "\\n", $given + @KEY@, "\\n"; }\n',
        before=r"^\}\s*test\w*\(\);\s*\Z",
        replaced=(
            (r"\beq_deeply\s*\(", "PASSK_EQ->("),
            (r"\bexit 1;", 'CORE::print STDERR "a test failed\\\\n"; CORE::exit(1);'),
        ),
    ),
    files=("/usr/share/perl5/Test/Deep.pm",),
    shows=("/etc/perl",),
    rule=Rule(refused_stdout="ERROR", refused_stderr="ERROR"),
    absent=r"Can't locate (\S+)\.pm in @INC",
    signs=Signs(
        failed=r"^a test failed$",
        syntax=r"syntax error at|had compilation errors|Execution of .* aborted due to compilation",
        memory=r"^Out of memory",
        wrong=r" line \d+",
    ),
    run_s=15.0,
    apt=("perl", "libtest-deep-perl"),
)

LUA = Language(
    name="lua",
    title="Lua",
    file="solution.lua",
    tools=(Tool(("lua5.2", "lua5.3", "lua5.4", "lua"), ("-v",)),),
    run=("{lua5.2}", "{text}"),
    ending=Ending(
        "if not pcall(lu.assertEquals, {1, 2}, {2, 1}) and not pcall(lu.assertEquals, 1, 2) then "
        'local passk = io.open("@FILE@"); '
        'io.stdout:write(string.format("\\n%d\\n", passk:read("*n") + @KEY@)) end\n',
        before=r"^end\b",
    ),
    files=("/usr/share/lua/5.*/luaunit.lua",),
    absent=r"module '(\S+)' not found",
    signs=Signs(
        failed=r"^Failed tests:",
        syntax=r"^\S*lua\S*: .*:\d+: .* (near|expected)",
        memory=r"not enough memory",
    ),
    run_s=15.0,
    apt=("lua5.2", "lua-unit"),
)

SH = Language(
    name="sh",
    title="Bash",
    file="solution.sh",
    tools=(Tool(("bash",)),),
    # Bash reads a script bit by bit; `source` reads all of it before the first command.
    run=("{bash}", "-c", "source {text}"),
    ending=Ending(
        "\ncase $- in *e*) builtin read -r passk_end < @FILE@\n"
        "builtin printf '\\n%d\\n' $((passk_end + @KEY@)) ;; esac\n",
        before=r"^\}\s*run_test\s*\Z",
        # By POSIX `unset` is the shell's own, whatever functions a candidate has defined; that mode also lets
        # `$(…)` end at errors, and leaves that so.
        replaced=(
            (
                r"^set -e$",
                "POSIXLY_CORRECT=1\n\\\\unset -f builtin\n\\\\unset POSIXLY_CORRECT\n"
                "\\\\builtin unalias -a\n\\\\builtin shopt -u inherit_errexit\n"
                "\\\\builtin trap - DEBUG RETURN ERR\n\\\\builtin set -e",
            ),
        ),
    ),
    signs=Signs(
        syntax=r"syntax error|unexpected EOF",
        memory=r"cannot allocate|Cannot allocate memory",
        failed_status=1,
    ),
    run_s=15.0,
    apt=("bash",),
)

R = Language(
    name="r",
    title="R",
    file="solution.r",
    tools=(Tool(("Rscript",)),),
    # `source` reads all of the text before it evaluates any of it.
    run=("{Rscript}", "-e", "source('{text}', echo = FALSE)"),
    ending=Ending(
        "\nif (inherits(try(base::stopifnot(base::isTRUE(base::all.equal(c(1, 2), c(2, 1)))), "
        "silent = TRUE), "
        '"try-error")) base::cat(base::sprintf("\\n%.0f\\n", '
        'base::as.numeric(base::readLines("@FILE@", n = 1)) + @KEY@))\n',
        before=r"^\}\s*test_\w+\(\)\s*\Z",
        replaced=((r"\b(stopifnot|isTRUE|all\.equal)\(", r"base::\1("),),
    ),
    shows=("/etc/R",),
    absent=r"there is no package called .(\w[\w.]*)",
    signs=Signs(
        failed=r"is not TRUE|are not all TRUE",
        syntax=r"Error in source\(.*\n?.*:\d+:\d+: ",
        memory=r"cannot allocate (memory|vector)|memory exhausted",
        wrong=r"^Error",
    ),
    apt=("r-base-core",),
)

RKT = Language(
    name="rkt",
    title="Racket",
    file="solution.rkt",
    tools=(Tool(("racket",)),),
    run=("{racket}", "{text}"),
    ending=Ending(
        "\n(passk:when (passk:with-handlers ([exn:test:check? (passk:lambda (_) #t)])\n"
        "  (passk:parameterize ([passk:current-error-port (passk:open-output-string)])\n"
        "    (check-equal? 1 2)) #f)\n"
        '  (passk:let ([passk (passk:call-with-input-file "@FILE@" passk:read)])\n'
        '    (passk:fprintf (passk:current-output-port) "\\n~a\\n" (passk:+ passk @KEY@)) '
        "(passk:flush-output)))\n",
        # A check that fails ends the program; by itself it goes on, and exits with 0.
        replaced=(
            (
                r"\(require rackunit\)",
                "(require rackunit (prefix-in passk: racket/base))(current-check-handler "
                "(passk:lambda (failed) "
                '(passk:when (exn:test:check? failed) (passk:eprintf "check failed:") '
                "(passk:for-each (passk:lambda (info) (passk:when "
                "(passk:memq (check-info-name info) '(name params)) "
                '(passk:eprintf " ~a" (passk:let ([value (check-info-value info)]) '
                "(passk:if (passk:struct? value) (passk:vector-ref (passk:struct->vector value) 1) "
                "value))))) "
                "(exn:test:check-stack failed)) (passk:newline (passk:current-error-port))) "
                "(passk:raise failed)))",
            ),
        ),
    ),
    shows=("/etc/racket",),
    rule=Rule(clean_stderr=True),
    signs=Signs(
        failed=r"^check failed:",
        syntax=r"read-syntax: |unbound identifier|bad syntax|unexpected",
        memory=r"out of memory",
    ),
    run_s=15.0,
    reserves_mib=512,
    overhead_mib=192,
    apt=("racket",),
)

LANGUAGES = (JS, TS, RB, PHP, PL, LUA, SH, R, RKT)
