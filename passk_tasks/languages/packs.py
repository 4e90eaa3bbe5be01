"""HumanEvalPack's dialects: its own commands and rules where they are not those of the language itself.

bigcode-evaluation-harness, bigcode_eval/tasks/humanevalpack.py, and the `evaluate` module code_eval_octopack
that it judges with.
"""

from __future__ import annotations

import re
from dataclasses import replace

from passk_tasks.languages.compiled import CPP, JAVA, RS
from passk_tasks.languages.record import Prepared, Rule, Tool
from passk_tasks.languages.scripts import JS

# Where the harness puts them: IMPORT_HELPER in the same file.
CPP_INCLUDES = "".join(
    f"#include<{name}>\n"
    for name in (
        *("stdlib.h", "algorithm", "cmath", "math.h", "numeric", "stdio.h", "vector", "set", "map", "queue"),
        *("stack", "list", "deque", "boost/any.hpp", "string", "climits", "cstring", "iostream", "sstream"),
        "fstream",
    )
)
_CPP_BUILD = tuple(
    (*(word.replace("c++17", "c++11") for word in command), "-lcrypto", "-lssl") for command in CPP.build
)
CPP_PACK = replace(
    CPP,
    name="cpp_pack",
    build=_CPP_BUILD,
    prepared=Prepared(
        files=(("pack.h", CPP_INCLUDES),),
        commands=(("{g++}", "-std=c++11", "-x", "c++-header", "pack.h", "-o", "pack.h.gch"),),
        build=tuple((*command, "-include", "{prepared}/pack.h") for command in _CPP_BUILD),
        when=r"\Ausing namespace std;\n" + re.escape(CPP_INCLUDES),
    ),
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

# Every program uses the crates `rand`, `regex` and `md5`. They are built once, from the sources that Debian's
# packages bring, and no program reaches a network. The benchmark has rand 0.4, and Debian has not: the crate
# of that name is what a program meets of it after `use rand::Rng;`, above rand 0.8.
_CRATES = "/usr/share/cargo/registry"
_CARGO = """\
[package]
name = "rand"
version = "0.4.6"
edition = "2021"
[lib]
path = "rand.rs"
[dependencies]
rand08 = { package = "rand", version = "0.8", default-features = false, features = ["std", "std_rng"] }
regex = { version = "1", default-features = false, features = ["std", "unicode"] }
md5 = "0.7"
"""
_RAND = """\
pub use rand08::{random, rngs::ThreadRng, thread_rng};
use rand08::distributions::{uniform::SampleUniform, Distribution, Standard};
use rand08::{seq::SliceRandom, RngCore};

pub trait Rng: RngCore + Sized {
    fn gen<T>(&mut self) -> T where Standard: Distribution<T> {
        rand08::Rng::gen(self)
    }
    fn gen_range<T: SampleUniform + PartialOrd>(&mut self, low: T, high: T) -> T {
        rand08::Rng::gen_range(self, low..high)
    }
    fn gen_weighted_bool(&mut self, n: u32) -> bool {
        n <= 1 || rand08::Rng::gen_range(self, 0..n) == 0
    }
    fn choose<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        values.choose(self)
    }
    fn shuffle<T>(&mut self, values: &mut [T]) {
        values.shuffle(self)
    }
}
impl<R: RngCore> Rng for R {}
"""
_RS_BUILD = (
    *("{rustc}", "--edition", "2021", "-L", "{prepared}/target/release/deps", "--extern", "regex"),
    *("--extern", "md5", "--extern", "rand={prepared}/target/release/librand.rlib"),
    *("{source}", "-o", "{built}", "?mold:-Clink-arg=-fuse-ld=mold"),
)
RS_PACK = replace(
    RS,
    name="rs_pack",
    tools=(*RS.tools, Tool(("cargo",))),
    build=(_RS_BUILD,),
    prepared=Prepared(
        files=(("Cargo.toml", _CARGO), ("rand.rs", _RAND)),
        commands=(
            (
                *("{cargo}", "build", "--release", "--offline", "--config"),
                *('source.crates-io.replace-with="debian"', "--config"),
                f'source.debian.directory="{_CRATES}"',
            ),
        ),
        build=(_RS_BUILD,),
        needed=True,
    ),
    files=tuple(f"{_CRATES}/{crate}*" for crate in ("rand-0.8", "regex-1.", "md5-0.7")),
    apt=(*RS.apt, "cargo", "librust-rand-dev", "librust-regex-dev", "librust-md5-dev"),
)

LANGUAGES = (CPP_PACK, JS_PACK, JAVA_PACK, RS_PACK)
