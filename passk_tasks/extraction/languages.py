"""What the text of a program looks like in each language: one record a language, nothing is executed.

`opaque` matches what holds no code: comments, strings, characters. With that hidden (`pieces.hidden`) braces
can be counted, and the patterns below mean code and never a word in a comment. They match from the beginning
of a statement; `{name}` stands for the name of the function that is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from passk_tasks.errors import check_name

_SLASHES = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
_HASH = r"#[^\n]*"
_DOUBLE = r'"(?:\\.|[^"\\\n])*"'
_SINGLE = r"'(?:\\.|[^'\\\n])*'"
_CHARACTER = r"'(?:\\[^\n']{1,10}|\\'|[^'\\\n])'"  # not Rust's lifetimes, nor Scala's symbols
_LONG_DOUBLE = r'"(?:\\.|[^"\\])*"'
_LONG_SINGLE = r"'(?:\\.|[^'\\])*'"
_TRIPLE = r'"""(?:\\.|.)*?(?:"""|\Z)'

_PARAMETERS = r"\((?:[^;{}()]|\([^()]*\))*\)"
# C's family: a type, the name, its parameters, perhaps words, and a body.
_TYPED = r"[^\n;={{}}()]*[\w>\])&*?]\s*[\s&*]{name}\s*(?:<[^>\n]*>)?\s*" + (
    _PARAMETERS.replace("{}", "{{}}") + r"[^;{{}}()]*(?:\([^()]*\)[^;{{}}()]*)?(?:\{{|=>)"
)


@dataclass(frozen=True)
class Syntax:
    """The text of one language.

    Attributes:
        name: MultiPL-E's word for the language.
        title: what people call it.
        fences: the words by which Markdown fences name it.
        opaque: matches a comment, string or character.
        defines: matches a definition of the function `{name}`, in one line or several.
        imports: matches a line that imports.
        own: matches definitions that an answer brings for itself and that would stand in the tests' way: its
            `main`, and tests; empty where there are none.
        opens: begins an empty function, whose end is the brace that MultiPL-E's tests begin with.
        in_class: whether functions stand in a class.
        call: matches a call of `{name}`.
        shows: matches a statement that only prints.
        braces: whether blocks stand in braces.
        clashes: what may not stand above tests or below the prompt's imports, and is cut out: what ends a
            file, or must begin it, or names what the tests name.
    """

    name: str
    title: str
    fences: str
    opaque: str
    defines: str
    imports: str = r"(?!)"
    own: str = r"(?!)"
    opens: str = ""
    in_class: bool = False
    call: str = r"(?<![\w$.]){name}\s*\("
    shows: str = r"(?!)"
    braces: bool = True
    clashes: str = r"(?!)"

    @cached_property
    def hides(self) -> re.Pattern[str]:
        """The compiled `opaque`."""
        return re.compile(self.opaque, re.DOTALL | re.MULTILINE)

    @cached_property
    def fence_words(self) -> frozenset[str]:
        """The words of `fences`."""
        return frozenset(self.fences.split())

    def definition(self, name: str) -> re.Pattern[str]:
        """Return what matches a definition of a function."""
        return re.compile(self.defines.format(name=rf"(?<![\w$]){re.escape(name)}(?![\w])"), re.MULTILINE)

    def calls(self, name: str) -> re.Pattern[str]:
        """Return what matches a call of a function."""
        return re.compile(self.call.format(name=re.escape(name)))


_SCRIPT_FUNCTION = (
    r"\bfunction\s*\*?\s*{name}|\b(?:const|let|var)\s+{name}\s*(?::[^=]*)?=(?!=)"
    r"|^{name}\s*=\s*(?:async\b|function\b|\()"
)
# Tests say `const assert` themselves, and a file that exports is a module, where they find no `require`.
_SCRIPT_CLASHES = (
    r"^(?:const|let|var)\s+assert\s*=\s*require\([^)\n]*\)[.\w]*;?|^import\s+(?:\*\s+as\s+)?assert\b[^\n]*"
    r"|^import\s*\{[^}]*\bassert\b[^}]*\}[^\n]*|^(?:const|let|var)\s*\{[^}]*\bassert\b[^}]*\}\s*=\s*require[^\n]*"
    r"|^export\s+(?:default\s+)?(?=(?:async|function|class|abstract|const|let|var|type|interface|enum)\b)"
    r"|^export\s+(?:default\s+[\w$]+|\{[^}]*\})\s*;?"
)
# A line that brings a framework of tests; no judge has one, and its tests are left out.
_FRAMEWORK = (
    r"^(?:import|using|use|#\s*include|require\w*)\b[^\n]*?(?<![a-z])"
    r"(?i:junit|testng|assertj|hamcrest|mockito|scalatest|scalacheck|munit|specs2|utest|nunit|xunit"
    r"|visualstudio\.testtools|gtest|gmock|catch2?|doctest|boost/test|phpunit)(?![a-z])[^\n]*"
)
_C_MAIN = r"(?:static\s+|inline\s+)*(?:int|void|auto|signed)\s+main\s*\("

_RECORDS = (
    Syntax(
        "cpp",
        "C++",
        "cpp c++ cxx cc hpp c",
        rf'R"(?P<d>[^\s()\\]*)\(.*?\)(?P=d)"|{_SLASHES}|{_DOUBLE}|(?<![0-9a-fA-F]){_CHARACTER}',
        _TYPED,
        imports=r"#\s*include\b|using\s+namespace\b",
        own=rf"{_C_MAIN}|(?:TEST\w*|SCENARIO|BOOST_\w*TEST\w*)\s*\(",
        opens="static void passk_end() {",
        clashes=_FRAMEWORK,
    ),
    Syntax(
        "java",
        "Java",
        "java",
        rf"{_SLASHES}|{_TRIPLE}|{_DOUBLE}|{_CHARACTER}",
        _TYPED,
        imports=r"import\s",
        own=r"(?:@\w+\s+)*(?:(?:public|private|protected|static|final|synchronized)\s+)*void\s+main\s*\("
        r"|@(?:\w*Test|(?:Before|After)\w*)\b",
        opens="    static void passkEnd() {",
        in_class=True,
        # A public class must have the name of its file.
        clashes=rf"{_FRAMEWORK}|^package\s+[\w.]+\s*;"
        r"|^public\s+(?=(?:\w+\s+)*?(?:class|record|interface|enum)\s+(?!Problem\b))",
    ),
    Syntax(
        "cs",
        "C#",
        "csharp cs c# dotnet",
        rf'{_SLASHES}|@"(?:""|[^"])*"|{_DOUBLE}|{_CHARACTER}',
        _TYPED,
        imports=r"using\s+(?!var\b)[\w.=\s]+;",
        own=r"(?:\[\w+\]\s*)*(?:(?:public|private|internal|static|async|unsafe)\s+)*(?:void|int|[\w.]*\bTask(?:<int>)?)\s+Main\s*\("
        r"|\[(?:Test\w*|Fact|Theory|SetUp|TearDown)\b",
        opens="    static void PasskEnd() {",
        in_class=True,
        clashes=rf"{_FRAMEWORK}|^namespace\s+[\w.]+\s*;",
    ),
    Syntax(
        "scala",
        "Scala",
        "scala sc",
        rf"{_SLASHES}|{_TRIPLE}|{_DOUBLE}|{_CHARACTER}",
        r"\bdef\s+{name}",
        imports=r"import\s",
        own=r"(?:@\w+\s+)*(?:override\s+|final\s+)*def\s+main\s*[(\[]"
        r"|class\s+\w+\s+extends\s+[\w.]*(?:Suite|Spec|Specification|Test|Properties)\b",
        opens="    def passkEnd() : Unit = {",
        in_class=True,
        clashes=rf"{_FRAMEWORK}" r"|^package\s+(?!object\b)[\w.]+[ \t]*;?$|\s+extends\s+App\b(?=\s*\{)",
    ),
    Syntax(
        "go",
        "Go",
        "go golang",
        rf"{_SLASHES}|`[^`]*`|{_DOUBLE}|{_CHARACTER}",
        r"^func\s+{name}",
        imports=r"package\s|import\s",
        own=r"func\s+(?:main|(?:Test|Example|Benchmark|Fuzz)(?![a-z])\w*)\s*\(",
    ),
    Syntax(
        "rs",
        "Rust",
        "rust rs",
        rf'{_SLASHES}|r(?P<h>#*)".*?"(?P=h)|b?{_LONG_DOUBLE}|{_CHARACTER}',
        r"\bfn\s+{name}",
        imports=r"(?:pub\s+)?use\s|extern\s+crate\b",
        own=r"(?:#\[[^\]]*\]\s*)*(?:pub\s+)?(?:(?:async\s+)?fn\s+main\s*\(|mod\s+tests?\s*\{)",
        opens="fn passk_end() {",
        clashes=r"^#!\[[^\]\n]*\]",
    ),
    Syntax(
        "swift",
        "Swift",
        "swift",
        rf"{_SLASHES}|{_TRIPLE}|{_DOUBLE}",
        r"\bfunc\s+{name}",
        imports=r"import\s",
        opens="func passkEnd() {",
        shows=r"(?:print|assert|debugPrint)\s*\(",
    ),
    Syntax(
        "d",
        "D",
        "d dlang",
        rf"{_SLASHES}|/\+.*?(?:\+/|\Z)|`[^`]*`|{_DOUBLE}|{_CHARACTER}",
        _TYPED,
        imports=r"(?:public\s+|static\s+)?import\s|module\s",
        clashes=r"^module\s+[\w.]+\s*;",
        own=rf"(?:extern\s*\(\s*\w+\s*\)\s*)?{_C_MAIN}|(?:@\w+\s+|pure\s+|nothrow\s+)*unittest\b",
    ),
    Syntax(
        "dart",
        "Dart",
        "dart",
        rf"{_SLASHES}|r?(?:{_TRIPLE}|'''.*?(?:'''|\Z)|{_DOUBLE}|{_SINGLE})",
        _TYPED,
        imports=r"import\s",
        own=r"(?:void\s+|Future<void>\s+)?(?:main|expect(?:List|Map)?)\s*\(",  # as the tests' own
        opens="void passk_end() {",
    ),
    Syntax(
        "js",
        "JavaScript",
        "javascript js node jsx mjs cjs ecmascript",
        rf"{_SLASHES}|`(?:\\.|[^`\\])*`|{_DOUBLE}|{_SINGLE}",
        _SCRIPT_FUNCTION,
        own=r"function\s+test\s*\(",  # as the tests' own
        shows=r"console\.\w+\s*\(",
        clashes=_SCRIPT_CLASHES,
    ),
    Syntax(
        "ts",
        "TypeScript",
        "typescript ts tsx",
        rf"{_SLASHES}|`(?:\\.|[^`\\])*`|{_DOUBLE}|{_SINGLE}",
        _SCRIPT_FUNCTION,
        own=r"function\s+test\s*\(",  # as the tests' own
        shows=r"console\.\w+\s*\(",
        clashes=_SCRIPT_CLASHES,
    ),
    Syntax(
        "php",
        "PHP",
        "php",
        rf"/\*.*?(?:\*/|\Z)|(?://|#(?!\[))(?:(?!\?>)[^\n])*|{_LONG_DOUBLE}|{_LONG_SINGLE}",
        r"\bfunction\s*&?\s*{name}",
        imports=r"<\?php",
        # As the tests' own functions, and PHPUnit's classes.
        own=r"function\s+(?:test|candidate)\s*\(|(?:final\s+)?class\s+\w+\s+extends\s+[\w\\]*TestCase\b",
        shows=r"(?:echo|print|print_r|var_dump|printf|assert)\b",
        clashes=r"\?>\s*\Z|(?<=[\s\S])^<\?php\b",
    ),
    Syntax(
        "pl",
        "Perl",
        "perl pl",
        rf"(?<![\$\\{{]){_HASH}|{_LONG_DOUBLE}|(?<![\w&]){_LONG_SINGLE}|^=\w.*?(?:^=cut[^\n]*|\Z)",
        r"\bsub\s+{name}",
        imports=r"use\s",
        shows=r"(?:print|printf|say)\b",
        # A plan of tests that are not run fails the program.
        clashes=r"^(?:__END__|__DATA__)\b[\s\S]*|^use\s+Test::(?!Deep\b)[^;\n]*;|^done_testing\b[^;\n]*;",
        call=r"(?<![\w$@%]){name}\b",
    ),
    Syntax(
        "r",
        "R",
        "r rlang rscript",
        rf"{_HASH}|{_LONG_DOUBLE}|{_LONG_SINGLE}|`[^`\n]*`",
        r"{name}\s*(?:<-|=)\s*(?:function\b|\\\()",
        imports=r"(?:library|require)\s*\(",
        clashes=r"^(?:library|require)\(\s*testthat\s*\)",  # its tests are left out, and few hosts have it
        shows=r"(?:print|cat|message|stopifnot)\s*\(",
        call=r"(?<![\w.]){name}\s*\(",
    ),
    Syntax(
        "sh",
        "Bash",
        "bash sh shell zsh",
        rf"(?:^|(?<=[\s;])){_HASH}|\\.|{_LONG_DOUBLE}|'[^']*'",
        r"^\s*(?:function\s+{name}|{name}\s*\(\s*\))",
        opens="passk_end() {\n:",
        shows=r"(?:echo|printf)\b",
        call=r"(?<![\w$]){name}\b",
    ),
    Syntax(
        "rb",
        "Ruby",
        "ruby rb",
        rf"^=begin\b.*?(?:^=end\b|\Z)|{_HASH}|{_DOUBLE}|{_SINGLE}",
        r"\bdef\s+(?:self\.)?{name}",
        imports=r"require\b",
        own=r"class\s+\w+\s*<\s*(?:::)?(?:Minitest::|MiniTest::|Test::Unit::)",
        shows=r"(?:puts|print|p|pp|assert\w*)\b",
        call=r"(?<![\w.:]){name}\b",
        braces=False,
    ),
    Syntax(
        "lua",
        "Lua",
        "lua luau",
        rf"--\[(?P<e>=*)\[.*?(?:\](?P=e)\]|\Z)|--[^\n]*|\[(?P<f>=*)\[.*?\](?P=f)\]|{_DOUBLE}|{_SINGLE}",
        r"\bfunction\s+{name}|^(?:local\s+)?{name}\s*=\s*function\b",
        imports=r"local\s+\w+\s*=\s*require\b",
        own=r"(?:local\s+)?function\s+[tT]est\w*",  # LuaUnit runs all that have such a name
        shows=r"(?:print|io\.write|assert|os\.exit)\s*\(",
        clashes=r"^return\b[^\n]*\s*\Z",
        braces=False,
    ),
    Syntax(
        "jl",
        "Julia",
        "julia jl",
        rf"#=.*?(?:=#|\Z)|{_HASH}|{_TRIPLE}|{_DOUBLE}|(?<!\w){_CHARACTER}",
        r"\bfunction\s+{name}|^{name}\([^\n]*\)[^\n=]*=(?!=)",
        imports=r"(?:using|import)\s",
        shows=r"(?:println|print|@show|@assert|@test)\b",
        braces=False,
    ),
    Syntax(
        "rkt",
        "Racket",
        "racket rkt scheme lisp",
        r"#\|.*?(?:\|#|\Z)|;[^\n]*|#\\(?:\w+|.)|" + _LONG_DOUBLE,
        r"\(define\s+\(?{name}(?=[\s)])",
        imports=r"#lang\b",
        own=r"\(module\+\s+(?:test|main)\b|\(define\s+\(test-humaneval\b",
        clashes=r"(?<=[\s\S])^#lang\b[^\n]*",
        shows=r"\((?:display\w*|print\w*|check-\w+\??)\s",
        call=r"\({name}(?=[\s)])",
        braces=False,
    ),
    Syntax(
        "clj",
        "Clojure",
        "clojure clj",
        r";[^\n]*|\\(?:\w+|.)|" + _LONG_DOUBLE,
        r"\(defn-?\s+(?:\^\S+\s+)?{name}(?=\s)",
        shows=r"\((?:println|prn|print)\s",
        call=r"\({name}(?=[\s)])",
        braces=False,
    ),
    Syntax(
        "elixir",
        "Elixir",
        "elixir ex exs",
        rf"{_HASH}|{_TRIPLE}|{_DOUBLE}|\?[^\s]",
        r"\bdefp?\s+{name}",
        shows=r"IO\.\w+",
        braces=False,
    ),
    Syntax(
        "hs",
        "Haskell",
        "haskell hs",
        rf"\{{-.*?(?:-\}}|\Z)|--[^\n]*|{_DOUBLE}|(?<!\w){_CHARACTER}",
        r"^{name}\b[^\n]*(?:::|=)",
        imports=r"import\s|module\s",
        own=r"main\s*(?:::|=)",
        call=r"(?!)",
        braces=False,
    ),
    Syntax(
        "ml",
        "OCaml",
        "ocaml ml",
        rf"\(\*.*?(?:\*\)|\Z)|{_LONG_DOUBLE}|(?<!\w){_CHARACTER}",
        r"\blet\s+(?:rec\s+)?{name}",
        own=r"let\s+(?:\(\)|_|main\s*\(\))\s*=",
        call=r"(?!)",
        braces=False,
    ),
    Syntax(
        "adb",
        "Ada",
        "ada adb",
        r'--[^\n]*|"[^"\n]*"|(?<!\w)\'[^\n]\'',  # a quotation mark is doubled in strings
        r"\b(?i:function|procedure)\s+(?i:{name})",
        imports=r"(?i:with|use|pragma|package)\s",
        braces=False,
    ),
)

SYNTAXES: dict[str, Syntax] = {record.name: record for record in _RECORDS}
"""By MultiPL-E's word for the language."""


def syntax(language: str) -> Syntax:
    """Return the record of a language.

    Raises:
        UsageError: there is none.
    """
    check_name("language", language, SYNTAXES)
    return SYNTAXES[language]
