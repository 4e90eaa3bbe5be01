"""HumanEvalPack's dialects: its own commands and rules where they are not those of the language itself.

bigcode-evaluation-harness, bigcode_eval/tasks/humanevalpack.py, and the `evaluate` module code_eval_octopack
that it judges with.
"""

from __future__ import annotations

from dataclasses import replace

from passk_tasks.languages.compiled import CPP, JAVA
from passk_tasks.languages.record import Rule
from passk_tasks.languages.scripts import JS

CPP_PACK = replace(
    CPP,
    name="cpp_pack",
    build=tuple(
        (*(word.replace("c++17", "c++11") for word in command), "-lcrypto", "-lssl") for command in CPP.build
    ),
    prepared=None,  # its programs do not begin with the header that is
    files=(*CPP.files, "/usr/include/openssl/md5.h"),
    apt=(*CPP.apt, "libssl-dev"),
)

# `console.assert` only prints: whatever is printed is a failure.
JS_PACK = replace(
    JS,
    name="js_pack",
    rule=Rule(silent=True),
    # One problem's solution wants this module of npm's; what it does, Node has itself.
    extras=(
        (
            "js-md5.js",
            "module.exports = text => require('node:crypto').createHash('md5').update(text).digest('hex');\n",
        ),
    ),
    environment=(*JS.environment, ("NODE_PATH", ".")),
)

# The tests are a class `Main` beside the candidate's.
JAVA_PACK = replace(
    JAVA,
    name="java_pack",
    file="Main.java",
    run=tuple("Main" if word == "Problem" else word for word in JAVA.run),
)

LANGUAGES = (CPP_PACK, JS_PACK, JAVA_PACK)
