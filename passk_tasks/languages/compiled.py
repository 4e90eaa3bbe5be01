"""Languages that are built before they are run."""

from __future__ import annotations

from passk_tasks.languages.record import Ending, Language, Prepared, Rule, Signs, Tool

_LAST_BRACE = r"\}"
_JAVA_MEMORY = r"java\.lang\.OutOfMemoryError|There is insufficient memory"
# The interpreter is left out of account: programs are short. The serial collector and small caches keep the
# memory of the machine itself down, so that `-Xmx` is a real limit.
JVM = (
    "-Xss16m",
    "-Xmx{memory_mib}m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:CompressedClassSpaceSize=64m",
    "-XX:ReservedCodeCacheSize=64m",
    "-XX:-UsePerfData",
    "-Xshare:auto",
)
_JAVATUPLES = "/usr/share/java/javatuples.jar"
_SCALA = "/usr/share/java/scala-library.jar"
_SCALAC = f"/usr/share/java/scala-compiler.jar:/usr/share/java/scala-reflect.jar:{_SCALA}"

# The words of assertions and of the proof, which a candidate may have made macros.
_UNDEFINED = "".join(
    f"#undef {word}\n"
    for word in (
        *("FILE", "auto", "bool", "fflush", "fopen", "for", "fprintf", "fscanf", "if", "int", "long", "main"),
        *("printf", "static_cast", "stderr", "stdout", "void", "volatile"),
    )
)
_CPP_BUILD = ("{g++}", "{source}", "-o", "{built}", "-std=c++17", "?mold:-fuse-ld=mold")

CPP = Language(
    name="cpp",
    title="C++",
    file="solution.cpp",
    tools=(Tool(("g++",)),),
    build=(_CPP_BUILD,),
    prepared=Prepared(
        files=(("stdc++.h", "#include <bits/stdc++.h>\n"),),
        commands=(("{g++}", "-std=c++17", "-x", "c++-header", "stdc++.h", "-o", "stdc++.h.gch"),),
        build=((*_CPP_BUILD, "-include", "{prepared}/stdc++.h"),),
        # Nothing but comments and headers of the system stands before that header, so its place is the same.
        when=r"\A(?:[ \t]*(?://.*|#[ \t]*include[ \t]*<[^>]*>[ \t]*)?\n)*?"
        r"[ \t]*#[ \t]*include[ \t]*<bits/stdc\+\+\.h>",
    ),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        '{ long long passk_end = 0; FILE* passk_file = fopen("@FILE@", "r"); '
        'if (passk_file && fscanf(passk_file, "%lld", &passk_end) == 1) '
        '{ printf("\\n%lld\\n", passk_end + @KEY@LL); fflush(stdout); } }\n',
        before=_LAST_BRACE,
        # A candidate may have replaced the macro, and the function that it calls.
        replaced=(
            (
                r"\bint\s+main\s*\(",
                f"\n{_UNDEFINED}#include <assert.h>\n#include <stdio.h>\n#undef assert\n#define assert(...) "
                "(static_cast<bool>(__VA_ARGS__) ? (void)0 : "
                # Again and again, since a handler of the signal may go on behind it.
                '(fprintf(stderr, "Assertion failed: %s\\\\n", #__VA_ARGS__), '
                "({ for (volatile int* passk = (volatile int*)8;;) *passk = 0; })))\nint main(",
            ),
        ),
    ),
    files=("/usr/include/boost/any.hpp",),
    absent=r"fatal error: (\S+): No such file or directory",
    signs=Signs(
        failed=r"Assertion failed: ",
        memory=r"std::bad_alloc|std::length_error",
        raised=r"^terminate called",
        wrong=r"\berror: |what\(\)",
    ),
    run_s=15.0,
    apt=("g++", "libboost-dev"),
)

# Most of what a compiler does once is not worth compiling.
_JAVAC = (
    *("{javac}", "-proc:none", "-J-XX:CompileThresholdScaling=2"),
    *(f"-J{flag}" for flag in JVM if "{" not in flag),
)
_JAVAC_ARGUMENTS = ("-encoding", "UTF8", "-d", "{built}", "-cp", _JAVATUPLES, "{source}")

JAVA = Language(
    name="java",
    title="Java",
    file="Problem.java",
    tools=(
        Tool(("java",), ("-version",)),
        Tool(("javac",), ("-version",)),
    ),
    build=((*_JAVAC, *_JAVAC_ARGUMENTS),),
    prepared=Prepared(
        files=(
            (
                "Problem.java",
                "import java.util.*;\nimport java.lang.reflect.*;\nimport org.javatuples.*;\n"
                "import java.security.*;\nimport java.math.*;\nimport java.io.*;\n"
                "import java.util.stream.*;\n"
                "class Problem {\n    static ArrayList<Long> f(ArrayList<Long> x, Optional<String> y) {\n"
                "        HashMap<Long, Long> counts = new HashMap<>();\n"
                "        for (Long each : x) { counts.put(each, counts.getOrDefault(each, 0L) + 1); }\n"
                "        return new ArrayList<>(x.stream().filter(a -> a > 1).sorted()"
                ".collect(Collectors.toList()));\n    }\n"
                "    public static void main(String[] args) {\n"
                "    assert(f(new ArrayList<Long>(Arrays.asList((long)1l, (long)2l)), Optional.empty())"
                ".equals((new ArrayList<Long>(Arrays.asList((long)2l)))));\n"
                '    System.out.println(Pair.with("a", 1) + new StringBuilder("b").reverse().toString());\n'
                "    }\n}\n",
            ),
        ),
        commands=(
            (
                *(*_JAVAC, "-J-XX:ArchiveClassesAtExit={prepared}/javac.jsa", "-encoding", "UTF8"),
                *("-d", "classes", "-cp", _JAVATUPLES, "Problem.java"),
            ),
        ),
        build=((*_JAVAC, "-J-XX:SharedArchiveFile={prepared}/javac.jsa", *_JAVAC_ARGUMENTS),),
    ),
    makes="classes/",
    run=("{java}", *JVM, "-ea", "-cp", "{built}:" + _JAVATUPLES, "Problem"),
    ending=Ending(
        # No `+` of texts: what that starts at run time takes a fifth of a short run.
        'try { System.out.println(new java.lang.StringBuilder("\\n").append(Long.parseLong(new String('
        'java.nio.file.Files.readAllBytes(java.nio.file.Paths.get("@FILE@"))).trim()) + @KEY@L)); } '
        "catch (java.io.IOException passkError) { System.exit(1); }\n",
        before=r"\}\s*\}\s*class PasskAssert",
        # By reflection a candidate may switch assertions off.
        replaced=(
            (r"\bassert\s*\(", "PasskAssert@NAME@.that("),
            (
                r"\Z",
                "\nclass PasskAssert@NAME@ { static void that(boolean held) "
                "{ if (!held) throw new java.lang.AssertionError(); } }\n",
            ),
        ),
    ),
    files=(_JAVATUPLES,),
    shows=("/etc/java-*-openjdk",),
    absent=r"error: package (\w+(?:\.\w+)+) does not exist",
    signs=Signs(
        failed=r"java\.lang\.AssertionError",
        memory=_JAVA_MEMORY,
        wrong=r"error: |Exception|java\.lang\.\w*Error",
    ),
    run_s=15.0,
    reserves_mib=16384,
    overhead_mib=256,
    apt=("default-jdk-headless", "libjavatuples-java"),
)

# Builds and vets, as `go test` does, and runs nothing. What debuggers need is left out.
_GO_BUILD = (
    *("{go}", "test", "-ldflags=-w", "-o", "{built}", "-exec", "/bin/true"),
    *("{source}", "passk_end_test.go"),
)

GO = Language(
    name="go",
    title="Go",
    file="solution_test.go",
    tools=(Tool(("go",), ("version",), home=("env", "GOROOT")),),
    build=(_GO_BUILD,),
    prepared=Prepared(
        files=(
            (
                "testify_test.go",
                'package f\n\nimport (\n\t"testing"\n\n\t"github.com/stretchr/testify/assert"\n)\n\n'
                "func TestF(t *testing.T) {\n\tassert.New(t).Equal(1, 1)\n}\n",
            ),
            (
                "solution_test.go",
                'package f_test\n\nimport (\n\t"bytes"\n\t"errors"\n\t"fmt"\n\t"math"\n'
                '\t"math/rand"\n\t"os"\n'
                '\t"reflect"\n\t"regexp"\n\t"sort"\n\t"strconv"\n\t"strings"\n\t"testing"\n\t"time"\n'
                '\t"unicode"\n\t"crypto/md5"\n\t"encoding/hex"\n\t"container/heap"\n)\n\n'
                "var _ = []any{bytes.Equal, errors.New, fmt.Sprint, math.Abs, rand.Int, os.Exit, "
                "reflect.DeepEqual, regexp.MustCompile, sort.Ints, strconv.Itoa, strings.Join, time.Now, "
                "unicode.IsUpper, md5.New, hex.EncodeToString, heap.Init}\n\n"
                "func TestF(t *testing.T) {}\n",
            ),
        ),
        commands=(
            ("{go}", "test", "-o", "warm.test", "-exec", "/bin/true", "solution_test.go"),
            # HumanEvalPack's programs import it, MultiPL-E's do not, and not every host has it.
            (
                *("/bin/sh", "-c", '"$0" test -o warm.test -exec /bin/true testify_test.go || true'),
                "{go}",
            ),
        ),
        build=(_GO_BUILD,),
        environment=(("GOCACHE", "{prepared}/cache"),),
    ),
    makes="solution.test",
    run=("{built}", "-test.paniconexit0", "-test.timeout=0"),
    ending=Ending("\tpasskEnd(t.Failed(), @KEY@)\n", before=_LAST_BRACE),
    named=r"^\s*package\s+(\w+)",
    extras=(
        (
            "passk_end_test.go",
            'package @NAMED@\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc passkEnd(failed bool, key int64) {\n'
            '\tvar given int64\n\tif failed {\n\t\treturn\n\t}\n\tfile, err := os.Open("@FILE@")\n'
            "\tif err == nil {\n\t\tfmt.Fscan(file, &given)\n\t\tfmt.Fprintf(os.Stdout, "
            '"\\n%d\\n", given+key)\n'
            "\t}\n}\n",
        ),
    ),
    environment=(
        ("GOCACHE", "@HOME@/.cache"),
        ("GOPATH", "/usr/share/gocode"),
        ("GO111MODULE", "off"),
        ("GOFLAGS", ""),
        ("GOTELEMETRY", "off"),
        ("CGO_ENABLED", "0"),
    ),
    rule=Rule(refused_stdout=r"FAIL|\[build failed\]|\[setup failed\]"),
    absent=r"""cannot find package "(\S+)"|no required module provides package ([^\s;:]+)""",
    signs=Signs(
        failed=r"--- FAIL",
        raised=r"^panic: ",
        memory=r"runtime: out of memory|cannot allocate memory",
        wrong=r"^\S*\.go:\d+|^panic: |^fatal error: ",
    ),
    shows=("/etc/go*",),
    build_s=60.0,
    run_s=15.0,
    reserves_mib=4096,
    apt=("golang-go", "golang-github-stretchr-testify-dev"),
)

RS = Language(
    name="rs",
    title="Rust",
    file="solution.rs",
    tools=(Tool(("rustc",), home=("--print", "sysroot")), Tool(("cc", "gcc", "clang"))),
    build=(("{rustc}", "{source}", "-o", "{built}", "?mold:-Clink-arg=-fuse-ld=mold"),),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        '{ let passk_end: i64 = ::std::fs::read_to_string("@FILE@").unwrap().trim().parse().unwrap(); '
        '::std::println!("\\n{}", passk_end + @KEY@i64); }\n',
        before=_LAST_BRACE,
        # A candidate may define macros of these names.
        replaced=((r"(?<!::)\b(assert\w*)!", r"::std::\1!"),),
    ),
    absent=r"unresolved import `(?!(?:std|core|alloc|crate|self|super)\b)(\w+)|can't find crate for `(\w+)`",
    signs=Signs(
        failed=r"assertion.*failed",
        memory=r"memory allocation of \d+ bytes failed",
        wrong=r"^error|panicked at",
    ),
    apt=("rustc", "gcc"),
)

D = Language(
    name="d",
    title="D",
    file="solution.d",
    tools=(Tool(("ldc2",)), Tool(("cc", "gcc", "clang"))),
    build=(("{ldc2}", "-unittest", "-of={built}", "?mold:-linker=mold", "{source}"),),
    makes="solution",
    run=("{built}",),
    ending=Ending(
        # An assertion that must fail, since a candidate may have replaced the runtime's handler.
        "{ static import core.stdc.stdio; bool passk_held; int passk_one = 1; long passk_end; "
        "try { assert(passk_one == 2); passk_held = true; } catch (Throwable) { } "
        'auto passk_file = core.stdc.stdio.fopen("@FILE@", "r"); '
        'if (!passk_held && passk_file && core.stdc.stdio.fscanf(passk_file, "%lld", &passk_end) == 1) '
        '{ core.stdc.stdio.printf("\\n%lld\\n", passk_end + @KEY@L); core.stdc.stdio.fflush(null); } }\n',
        # `main` is not run; its unit tests are.
        before=r"\}\s*void\s+main\s*\(\s*\)\s*\{\s*\}",
    ),
    shows=("/etc/ldc2.conf",),
    absent=r"unable to read module `(\w+)`",
    signs=Signs(
        failed=r"core\.exception\.AssertError|unittest failure|Assertion failure",
        memory=r"OutOfMemoryError|Memory allocation failed",
        wrong=r"Error: |core\.exception|object\.\w+",
    ),
    run_s=15.0,
    apt=("ldc", "gcc"),
)

CS = Language(
    name="cs",
    title="C#",
    file="solution.cs",
    tools=(Tool(("mcs",)), Tool(("mono",))),
    build=(("{mcs}", "-d:DEBUG", "-r:System.Numerics.dll", "-out:{built}", "{source}"),),
    makes="solution.exe",
    run=("{mono}", "{built}"),
    ending=Ending(
        'System.Console.Out.WriteLine("\\n" + (long.Parse(System.IO.File.ReadAllText("@FILE@").Trim()) '
        "+ @KEY@L)); System.Console.Out.Flush();\n",
        before=r"\}\s*\}\s*class PasskAssert",
        # The framework's own goes on after a failure, and tells listeners that a candidate can remove.
        replaced=(
            (r"\bDebug\.Assert\s*\(", "PasskAssert@NAME@.That("),
            (
                r"\Z",
                "\nclass PasskAssert@NAME@ { public static void That(bool held) { if (!held) { "
                'System.Console.Error.WriteLine("Assertion failed"); System.Environment.Exit(1); '
                # Where a candidate has a namespace of that name.
                "for (int[] none = null;;) none[0] = 1; } } }\n",
            ),
        ),
    ),
    shows=("/etc/mono",),
    environment=(("MONO_TRACE_LISTENER", "Console.Error"),),
    rule=Rule(refused_stderr=r"DefaultTraceListener\.Fail|Unhandled Exception"),
    signs=Signs(
        failed=r"^Assertion failed$|DefaultTraceListener\.Fail",
        memory=r"OutOfMemoryException|[Oo]ut of memory|GC Warning",
        wrong=r"error CS\d+|[\w.]Exception",
    ),
    reserves_mib=512,
    needs_proc=True,
    apt=("mono-mcs", "mono-runtime", "libmono-system-numerics4.0-cil", "libmono-system-core4.0-cil"),
)

_SCALA_JAVA = ("{java}", *(flag for flag in JVM if "{" not in flag), "-Xmx1g")
_SCALA_ARGUMENTS = ("-cp", _SCALAC, "scala.tools.nsc.Main", "-cp", _SCALA, "-d")

SCALA = Language(
    name="scala",
    title="Scala",
    file="solution.scala",
    tools=(Tool(("java",), ("-version",)), Tool(("scalac",), ("-version",))),
    build=((*_SCALA_JAVA, *_SCALA_ARGUMENTS, "{built}", "{source}"),),
    prepared=Prepared(
        files=(
            (
                "solution.scala",
                "import scala.math._\nimport scala.collection.mutable._\nobject Problem {\n"
                "    def f(x : List[Long], y : Option[String]) : List[Long] = {\n"
                "        val counts = HashMap[Long, Int]()\n"
                "        x.foreach { each => counts(each) = counts.getOrElse(each, 0) + 1 }\n"
                "        x.filter(a => a > 1 && a % 2 == 0).sorted.zipWithIndex.map(_._1)\n    }\n"
                "    def main(args: Array[String]) = {\n"
                "    assert(f((List[Long](1l.toLong, 2l.toLong)), None).equals((List[Long](2l.toLong))));\n"
                "    }\n}\n",
            ),
        ),
        commands=(
            (
                *(*_SCALA_JAVA, "-XX:ArchiveClassesAtExit={prepared}/scalac.jsa", *_SCALA_ARGUMENTS),
                *(".", "solution.scala"),
            ),
        ),
        build=(
            (
                *(*_SCALA_JAVA, "-XX:SharedArchiveFile={prepared}/scalac.jsa", *_SCALA_ARGUMENTS),
                *("{built}", "{source}"),
            ),
        ),
    ),
    makes="classes/",
    run=("{java}", *JVM, "-cp", "{built}:" + _SCALA, "Problem"),
    ending=Ending(
        '_root_.java.lang.System.out.println("\\n" + (_root_.java.lang.Long.parseLong('
        "new _root_.java.lang.String(_root_.java.nio.file.Files.readAllBytes("
        '_root_.java.nio.file.Paths.get("@FILE@"))).trim()) + @KEY@L));\n',
        before=r"\}\s*\}\s*object PasskAssert",
        # A candidate may define methods of this name.
        replaced=(
            (r"(?<![\w.])assert\s*\(", "PasskAssert@NAME@.that("),
            (
                r"\Z",
                "\nobject PasskAssert@NAME@ { def that(held: Boolean) : Unit = "
                'if (!held) throw new java.lang.AssertionError("assertion failed") }\n',
            ),
        ),
    ),
    files=("/usr/share/java/scala-compiler.jar", _SCALA),
    shows=("/etc/java-*-openjdk",),
    rule=Rule(clean_stderr=True),
    absent=r"error: object (\w+) is not a member of package \w|error: not found: object (\w+)",
    signs=Signs(
        failed=r"java\.lang\.AssertionError",
        memory=_JAVA_MEMORY,
        wrong=r"error: |Exception|java\.lang\.\w*Error",
    ),
    build_s=60.0,
    run_s=15.0,
    reserves_mib=16384,
    overhead_mib=256,
    apt=("default-jdk-headless", "scala"),
)

LANGUAGES = (CPP, JAVA, GO, RS, D, CS, SCALA)
