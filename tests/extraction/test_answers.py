# ruff: noqa: E501 (a row of the table is a line)
"""`answer`: a table of the shapes that chat and reasoning models give, and what must come of each."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from shapes import BODY, DRAFT, FILE, FUNCTION, HELPED, PROMPT, WRONG, answer, fence, run

from passk_tasks import extraction


def numbered(source, form):
    """Return a program with numbers before its lines."""
    return "".join(form.format(n) + line for n, line in enumerate(source.splitlines(True), start=1))


def session(source):
    """Return a program as it is typed into an interpreter."""
    lines = source.splitlines(True)
    return "".join((">>> " if line[:1].strip() else "... ") + line for line in lines)


# One of its lines is a single word.
BRANCHED = (
    "def total(xs):\n    for x in xs:\n        break\n    else:\n        return 0\n    return sum(xs)\n"
)

# Answers that hold a right function: (name, text, strategy).
RIGHT_ANSWERS = [
    ("function", FUNCTION, "restated_function"),
    ("whole file", FILE, "whole_file"),
    ("whole file without final newline", FILE.rstrip("\n"), "whole_file"),
    ("the prompt restated", PROMPT + BODY, "whole_file"),
    ("bare body", BODY, "body"),
    ("bare body after a blank line", "\n" + BODY, "body"),
    ("bare body stripped by the API", BODY.strip(), "body+indent"),
    ("bare body that lost one space", BODY[1:], "body+indent"),
    ("one-line body stripped by the API", "return sum(xs)", "body+indent"),
    ("async is a function too", "async def total(xs):\n    return sum(xs)\n", "restated_function"),
    ("decorators", "import functools\n\n@functools.wraps(sum)\n@functools.wraps(len)\n" + FUNCTION, "whole_file"),
    ("assigned lambda", "total = lambda xs: sum(xs)\n", "restated_function"),
    ("alias", "def add(xs):\n    return sum(xs)\n\ntotal = add\n", "whole_file"),
    ("definition in a branch", "if True:\n    def total(xs):\n        return sum(xs)\n", "restated_function"),
    ("future import stays first", '"""Doc."""\nfrom __future__ import annotations\n' + FUNCTION, "whole_file"),
    ("byte order mark", "\ufeff" + FILE, "whole_file+special_tokens"),
    ("CRLF", FILE.replace("\n", "\r\n"), "whole_file"),
    ("CR alone", fence(FUNCTION).replace("\n", "\r"), "fence"),
    ("indented all over", "    " + FUNCTION.replace("\n", "\n    "), "restated_function+indent"),
    ("body that assigns to the function's name", "    total = sum(xs)\n    return total\n", "body"),
    ("body that assigns to the function's name, in prose", f"Here it's:\n\n{PROMPT}    total = sum(xs)\n    return total\n\nIt's done.", "prose_code"),
    ("function within the function, in prose", "It's:\n\ndef total(\n    xs,\n):\n    def total(ys):\n        return 0\n    return sum(xs)\n\nIt's done.", "prose_code"),
    # Fences.
    ("fence", fence(FUNCTION), "fence"),
    ("fence with prose around", f"Sure!\n\n{fence(FUNCTION)}\nIt's O(n).", "fence"),
    ("fence, CRLF", f"Sure!\n\n{fence(FUNCTION)}\nBye.".replace("\n", "\r\n"), "fence"),
    ("py", fence(FUNCTION, "py"), "fence"),
    ("Python3", fence(FUNCTION, "Python3"), "fence"),
    ("space before the language", fence(FUNCTION, " python"), "fence"),
    ("attributes after the language", fence(FUNCTION, 'python title="a.py"'), "fence"),
    ("no language", f"Code:\n{fence(FUNCTION, '')}Done.", "fence"),
    ("unknown language", fence(FUNCTION, "solution"), "fence"),
    ("tildes", fence(FUNCTION, "python", "~~~"), "fence"),
    ("four backticks", fence(FUNCTION, "python", "````"), "fence"),
    ("Markdown in Markdown", fence("Text\n" + fence(FUNCTION), "markdown", "```"), "fence"),
    ("language on the next line", "```\npython\n" + FUNCTION + "```", "fence"),
    ("code on the line of the fence", "```python def total(xs): return sum(xs)\n```", "fence"),
    ("all on one line", "```python def total(xs): return sum(xs)```", "fence"),
    ("fence after prose on its line", "The code: ```python\n" + FUNCTION + "```", "fence"),
    ("closing fence after code on its line", "```python\n" + FUNCTION.rstrip() + "```\nDone.", "fence"),
    ("prose after the closing fence on its line", fence(FUNCTION).rstrip() + " That was it.\n", "fence"),
    ("bold around the fence", "**Code**\n**```python**\n" + FUNCTION + "**```**\n", "fence"),
    ("unclosed fence", "Here:\n```python\n" + FUNCTION, "fence_unclosed"),
    ("unclosed fence, cut in an example", f"```python\n{FUNCTION}\nprint(total([1,", "fence_unclosed+trimmed"),
    ("list item", "1. Code:\n\n" + "   ".join(("\n" + fence(FUNCTION)).splitlines(True)), "fence"),
    ("list item on the bullet's line", "- " + "  ".join(fence(FUNCTION).splitlines(True)), "fence"),
    ("deep list item", "      ".join(("-\n" + fence(FUNCTION)).splitlines(True)), "fence"),
    ("list item, code at the margin", "1. Code:\n   ```python\n" + FUNCTION + "   ```\n", "fence"),
    ("code indented within its fence", fence("    " + FUNCTION.replace("\n", "\n    ") + "\n"), "fence+indent"),
    ("opened by the prefill, function", FUNCTION + "```\n\nThis is O(n).", "fence_prefilled"),
    ("opened by the prefill, body", BODY + "```\n\nUse it:\n" + fence("print(total([1]))\n"), "fence_prefilled"),
    ("opened by the prefill, closed after code", "    return sum(xs)```\nDone", "fence_prefilled"),
    ("opened by the prefill, prose in a fence later", BODY + "```\nSo:\n```\n3\n```\n", "fence_prefilled"),
    ("body in a fence", f"The body:\n{fence(BODY)}", "fence_body"),
    ("body in a fence without its margin", fence("if not xs:\n    return 0\nreturn sum(xs)\n"), "fence_body+indent"),
    ("body in a fence, first line lost its margin", fence(BODY.lstrip()), "fence_body+indent"),
    ("body in a fence with tabs", fence("for x in [0]:\n\treturn sum(xs)\n"), "fence_body+indent"),
    ("body in a fence with tabs and margin", fence("\tfor x in [0]:\n\t\treturn sum(xs)\n"), "fence_body+indent"),
    ("body with a function in it", fence("    def add(a):\n        return sum(a)\n    return add(xs)\n"), "fence_body"),
    ("fence in the docstring", fence('def total(xs):\n    """\n    ```\n    x\n    ```\n    """\n    return sum(xs)\n'), "fence"),
    ("fence in the docstring, unclosed fence", '```python\ndef total(xs):\n    """\n    ```\n    x\n    ```\n    """\n    return sum(xs)\n', "fence_unclosed"),
    ("fence in a docstring at the margin", fence('def total(xs):\n  """\n```\nx\n```\n  """\n  return sum(xs)\n'), "fence"),
    ("backticks in a string", fence('def total(xs):\n    mark = "```"\n    return sum(xs)\n'), "fence"),
    ("inline code before", "Use `sum` or ```total``` here.\n\n" + fence(FUNCTION), "fence"),
    # Several fences.
    ("draft, then final", f"{fence(DRAFT)}No, better:\n{fence(FUNCTION)}", "fence"),
    ("function, then usage", f"{fence(FUNCTION)}Usage:\n{fence('print(total([1, 2]))')}", "fence"),
    ("function, then usage that is cut", f"{fence(FUNCTION)}Usage:\n```python\nprint(total([", "fence"),
    ("function, then a variant that breaks off", f"{fence(FUNCTION)}Or:\n```python\ndef total(xs):\n    retur", "fence"),
    ("shell first", f"{fence('pip install x', 'bash')}{fence(FUNCTION)}", "fence"),
    ("output after", f"{fence(FUNCTION)}Output:\n{fence('6', '')}", "fence"),
    ("function, then a broken variant", f"{fence(FUNCTION)}Or:\n{fence('def total(xs:')}", "fence"),
    ("function, then the signature", f"{fence(FUNCTION)}It has the signature\n{fence(PROMPT)}", "fence"),
    ("doctest after", f"{fence(FUNCTION)}{fence('>>> total([1])')}1", "fence"),
    ("new language without closing", "```bash\npip install x\n```python\n" + FUNCTION + "```\n", "fence"),
    ("helper in the block before", fence("def add(a, b):\n    return a + b\n") + "and\n" + fence("import functools\ndef total(xs):\n    return functools.reduce(add, xs, ZERO)\n") + fence("ZERO = 0\n"), "fence_joined"),
    ("helper among prose before", "A helper:\n\ndef add(a, b):\n    return a + b\n\nIt's used here:\n" + fence("import functools\ndef total(xs):\n    return functools.reduce(add, xs)\n"), "fence_joined"),
    ("in a block quote", "> Here:\n> " + fence(FUNCTION).replace("\n", "\n> "), "fence+unwrapped"),
    ("signature, then the body", fence(PROMPT) + "with\n" + fence(BODY), "fence_joined"),
    # Prose without a fence.
    ("prose around", f"Here is the code:\n\n{FUNCTION}\nThis works (I think).\n", "prose_code"),
    ("prose around a file", f"Here is the code:\n\n{FILE}\nThis works; it's fine.\n", "prose_code"),
    ("bold heading", f"**Solution:**\n\n{FUNCTION}\n**Explanation:** sums.\n", "prose_code"),
    ("one word of prose that parses", f"Solution\n\n{FUNCTION}\nDone\n", "restated_function+examples"),
    ("prose that parses as an annotation", f"{FUNCTION}\nComplexity: O(n)\n", "whole_file+examples"),
    ("helper, prose, function", "First:\n\ndef add(a, b):\n    return a + b\n\nThen we do this:\n\ndef total(xs):\n    t = 0\n    for x in xs:\n        t = add(t, x)\n    return t\n\nThat's all.", "prose_code"),
    ("function in prose, usage in a fence", f"{FUNCTION}\nUse it so:\n{fence('print(total([1]))')}", "prose_code"),
    ("indented code block", "Here you are:\n\n    " + FUNCTION.replace("\n", "\n    ") + "\n\nThat's it.\n", "prose_code"),
    ("CodeLlama's tags", f"[PYTHON]\n{FUNCTION}[/PYTHON]\n", "prose_code"),
    ("XML around", f"<answer>\n{FUNCTION}</answer>\n", "prose_code"),
    ("LaTeX around", f"\\begin{{lstlisting}}\n{FUNCTION}\\end{{lstlisting}}\n", "prose_code"),
    ("XML on the lines of the code", f"<think>a</think><answer>{FUNCTION}</answer>", "prose_code+reasoning"),
    ("HTML", f'<pre><code class="language-python">{FUNCTION}</code></pre>', "fence"),
    ("HTML, an import on the line of the tag", f'<pre><code>from math import fsum\n{FUNCTION.replace("return result", "return fsum([result]) if 1 &lt; 2 else 0")}</code></pre>', "fence"),
    ("CDATA", f"<solution><![CDATA[\n{FILE}]]></solution>", "fence"),
    ("escaped as for HTML", fence(FUNCTION.replace("return result", "return result if 1 &lt; 2 else 0")), "fence+unwrapped"),
    ("numbered lines", fence(numbered(FILE, "{:3} | ")), "fence+unwrapped"),
    ("numbered lines, no mark", fence(numbered(FILE, "{:2}  ")), "fence+unwrapped"),
    ("numbered lines, a colon", numbered(FILE, "{}: "), "whole_file+unwrapped"),
    ("an interpreter's session", fence(session(FILE) + ">>> total([1])\n1\n"), "fence+examples+unwrapped"),
    ("IPython's session", fence("In [1]: " + FUNCTION.rstrip().replace("\n", "\n   ...: ") + "\n"), "fence+unwrapped"),
    ("a patch that adds a file", fence("--- /dev/null\n+++ b/a.py\n@@ -0,0 +1,9 @@\n" + "".join("+" + line for line in FILE.splitlines(True)), "diff"), "fence+unwrapped"),
    ("a patch that changes a line", fence("".join((f"-{line.replace('result', '0')}+{line}" if "return" in line else " " + line) for line in FUNCTION.splitlines(True)), "diff"), "fence+unwrapped"),
    ("a patch without a fence", "@@ -1,2 +1,2 @@\n" + "".join(("-    return 0\n+" if "return" in line else " ") + line for line in FUNCTION.splitlines(True)), "restated_function+unwrapped"),
    ("a patch as apply_patch has it", "*** Begin Patch\n*** Update File: a.py\n@@\n" + "".join(("-    return 0\n+" if "return" in line else " ") + line for line in FUNCTION.splitlines(True)) + "*** End Patch\n", "restated_function+unwrapped"),
    ("the function, then a patch of it", fence(FUNCTION) + "The change:\n" + fence(" def total(xs):\n-    return min(xs)\n+    return max(xs)\n", "diff"), "fence"),
    ("a shell writes the file", fence(f"cat > total.py << 'EOF'\n{FILE}EOF\npython total.py\n", "bash"), "fence+trimmed+examples"),
    ("no-break spaces", fence(FUNCTION.replace(" ", "\u00a0")), "fence+unwrapped"),
    ("a space without width before an import", fence("\u200b" + FILE), "fence+unwrapped"),
    ("another line separator", fence(FUNCTION.rstrip("\n") + "\u2028"), "fence+unwrapped"),
    ("a string as a fence", f"'''python\n{FUNCTION}'''", "fence+unwrapped"),
    ("IPython's commands", fence("!pip install numpy\n%time\n" + FUNCTION), "fence+trimmed"),
    ("single backticks", "It's `def total(xs): return sum(xs)`, which takes `xs`.", "fence+unwrapped"),
    ("JSON in JSON", json.dumps({"name": "run", "arguments": json.dumps({"code": FUNCTION})}), "fence+unwrapped"),
    ("line breaks as text", FUNCTION.replace("\n", "\\n"), "restated_function+unwrapped"),
    ("a fence with line breaks as text", fence(FUNCTION).replace("\n", "\\n"), "fence+unwrapped"),
    ("lines in JSON", json.dumps({"why": "It adds.", "code": BRANCHED.splitlines()}), "fence+unwrapped"),
    ("a notebook", json.dumps({"cells": [{"source": ["# Sum\n"]}, {"source": BRANCHED.splitlines(True)}]}), "fence+unwrapped"),
    ("a value of Python's", repr({"why": "It's a sum.", "code": FILE}), "fence+unwrapped"),
    ("a call in Python", f'[write_file(path="a.py", content={FILE!r})]', "fence+unwrapped"),
    ("numbers and arrows", numbered(FILE, "{:6}\u2192"), "whole_file+unwrapped"),
    ("numbers and bars", fence(numbered(FILE, "{:3} \u2502 ")), "fence+unwrapped"),
    ("numbers before brackets", fence(numbered("def total(xs):\n    ys = [\n        x for x in xs\n]\n    return sum(\n    ys\n)\n", "{} ")), "fence+unwrapped"),
    ("the source of a string", repr(FILE), "whole_file+unwrapped"),
    ("HTML's line breaks", f"<p>{FUNCTION}</p>".replace("\n", "<br />\n").replace("  ", "&nbsp; "), "restated_function+unwrapped"),
    ("a brace closes nothing", f"\\boxed{{\nIt's:\n{FUNCTION}total.checked = True\n}}", "prose_code"),
    ("list of prose that parses", f"Explanation:\n- one\n\n{FUNCTION}\n- done\n", "prose_code+examples"),
    ("headings that are comments", f"# Solution\n\n{FUNCTION}\n# Explanation\nIt sums (all of them).\n", "prose_code"),
    ("prose that begins like code", f"for this we do:\n\n{FUNCTION}\nIt's done.", "prose_code"),
    ("prose with a closing colon above an import", f"if you will:\n\n{FILE}\nprint(1)\n", "prose_code+examples"),
    ("draft in prose, then final", f"Draft:\n\n{DRAFT}\nThat's wrong. Final:\n\n{FUNCTION}\nIt's done.", "prose_code"),
    ("decorator in prose", "Let's cache it:\n\nimport functools\n\n@functools.wraps(sum)\n" + FUNCTION + "\nIt's done.", "prose_code"),
    # Examples below the function.
    ("print", f"{FILE}\nprint(total([1, 2]))\n", "whole_file+examples"),
    ("print below a bare body", f"{BODY}\nprint(total(None))\n", "body+examples"),
    ("call below a body in a fence", fence(BODY + "total(None)\n"), "fence_body+examples"),
    ("wrong assert", f"{FILE}\nassert total([1]) == 7\n", "whole_file+examples"),
    ("error shown on purpose", f"{fence(FUNCTION + 'total(None)')}", "fence+examples"),
    ("input", fence(FUNCTION + "n = int(input())\nxs = [n]\nprint(total(xs))\n"), "fence+examples"),
    ("main guard", fence(FUNCTION + "\nif __name__ == '__main__':\n    total(None)\n"), "fence+examples"),
    ("main function", fence(FUNCTION + "\ndef main():\n    total(None)\n\nmain()\n"), "fence+examples"),
    ("test function", fence(FUNCTION + "\ndef test():\n    assert total([1]) == 2\n\ntest()\n"), "fence+examples"),
    ("test framework", fence("import unittest\n" + FUNCTION + "\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(total([1]), 2)\n\nunittest.main()\n"), "fence+examples"),
    ("framework that is not installed", fence(FUNCTION + "\nimport no_such_framework\n\n@no_such_framework.mark\ndef test_it():\n    pass\n"), "fence+examples"),
    ("results kept in names", fence(FUNCTION + "\nresult = total(None)\nfor r in result:\n    print(r)\ntwice = result * 2\n"), "fence+examples"),
    ("reads standard input", fence("import sys\n" + FUNCTION + "data = sys.stdin.read().split()\nfirst = data[0]\n"), "fence+examples"),
    ("file that is not there", fence(FUNCTION + "with open('input.txt') as f:\n    xs = f.read()\n"), "fence+examples"),
    ("arguments that are not there", fence("import sys\n" + FUNCTION + "n = int(sys.argv[1])\n"), "fence+examples"),
    ("example takes the function's name", fence(FUNCTION + "total = total([1, 2])\n"), "fence+examples"),
    ("example in a later block takes it", fence(FUNCTION) + fence("total = total([1])\nprint(total)\n"), "fence"),
    ("constant of the function's name later", fence(FUNCTION) + fence("total = 5\n"), "fence"),
    ("method taken out of its class", fence("class S:\n    def total(self, xs):\n        return sum(xs)\n\ntotal = S().total\n"), "fence"),
    ("unneeded import that is not installed", fence("import no_such_module as m\n" + FUNCTION), "fence+examples"),
    ("coroutine started", fence("import asyncio\n" + FUNCTION + "async def main():\n    print(total([1]))\nasyncio.run(main())\n"), "fence+examples"),
    ("main guard that defines the function", fence("if __name__ == 'candidate':\n    def total(xs):\n        return sum(xs)\n"), "fence"),
    ("arguments by argparse", fence("import argparse\n" + FUNCTION + "p = argparse.ArgumentParser()\np.add_argument('n')\nargs = p.parse_args()\nprint(total([args.n]))\n"), "fence+examples"),
    ("arguments in a main function", fence("import argparse\n" + FUNCTION + "args = argparse.ArgumentParser().parse_args(['-x'])\ndef main():\n    print(total(args.n))\nmain()\n"), "fence+examples"),
    ("data that are not there", fence("import pathlib\n" + FUNCTION + "rows = pathlib.Path('none').read_text()\nrow = rows[0]\nfor x in row:\n    print(total(x))\n"), "fence+examples"),
    ("data that the function needs", fence("def total(xs):\n    return sum(xs) + START\n\ncfg = dict(start='0')\nSTART = int(cfg['start'])\nprint(cfg, total([1]))\n"), "fence+examples"),
    ("a function that fills a table and prints", fence("t = []\n\ndef fill(n):\n    print('filling')\n    t.extend(range(n))\n\ndef total(xs):\n    return sum(t[x] for x in xs)\n\nfill(9)\nprint(total([1]))\n"), "fence+examples"),
    ("a function that makes a table and prints", fence("t = None\n\ndef start():\n    global t\n    t = list(range(9))\n    print(len(t))\n\ndef both():\n    start()\n\ndef total(xs):\n    return sum(t[x] for x in xs)\n\nboth()\n"), "fence"),
    ("a result of what fills a table", fence("t = []\n\ndef fill(n):\n    t.extend(range(n))\n    return n\n\ndef total(xs):\n    return sum(t[x] for x in xs)\n\nsize = fill(9)\nprint(size)\n"), "fence+examples"),
    ("what prepares stays", fence("import sys\ndef total(xs):\n    return sum(xs) + table[0] + memo['a'] + total.k\n\ndef fill():\n    memo['a'] = 0\n\nmemo = {}\ntable = []\ntable.append(0)\nsys.setrecursionlimit(5000)\nfill()\ntotal.k = 0\nprint(total([1]))\n"), "fence+examples"),
    ("wrapper stays", fence("import functools\n" + FUNCTION + "total = functools.wraps(total)(total)\n"), "fence"),
    ("semicolons stay", fence("def total(xs): return sum(xs) + k\nk = 0; print(k)\n"), "fence"),
    ("star import stays", fence("from os.path import *\n" + FUNCTION), "fence"),
    # Reasoning.
    ("think", f"<think>\nSum them: {fence(WRONG)}\n</think>\n\n{fence(FUNCTION)}", "fence+reasoning"),
    ("think, unfenced function", f"<think>\nHm.\n</think>\n\n{FUNCTION}", "restated_function+reasoning"),
    ("think, bare body", f"<think>\nHm.\n</think>\n{BODY}", "body+reasoning"),
    ("empty think", f"<think>\n\n</think>\n\n{fence(FUNCTION)}", "fence+reasoning"),
    ("think with an open fence", f"<think>\n```python\n{WRONG}\n</think>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("think nested", f"<think>\na\n<think>\nb\n</think>\n{fence(WRONG)}\n</think>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("think repeated", f"<think>a</think><think>{WRONG}</think>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("think mentioned in reasoning", f"<think>\n<think>\nis how I begin.\n{fence(WRONG)}</think>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("opening tag mentioned, closing tag in a string", "<think>\nFirst <think> and then.\n</think>\n" + fence("def total(xs):\n    tag = '</think>'\n    return sum(xs)\n"), "fence+reasoning"),
    ("closing tag mentioned in reasoning", f"<think>\nI end with </think> later.\n{fence(WRONG)}\n</think>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("opening tag in the prefill", f"Okay, I think.\n{fence(WRONG)}\n</think>\n\n{fence(FUNCTION)}", "fence+reasoning"),
    ("opening tag in the prefill, open fence", f"Okay.\n```python\n{WRONG}\n</think>\n\n{fence(FUNCTION)}", "fence+reasoning"),
    ("closing tag and fence on one line", f"Okay.</think>{fence(FUNCTION)}", "fence+reasoning"),
    ("prose before think", f"Let me see.\n<think>\n{WRONG}</think>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("thinking", f"<thinking>\n{WRONG}\n</thinking>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("thought", f"<thought>{WRONG}</thought>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("reasoning", f"<reasoning>\n{fence(WRONG)}</reasoning>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("reflection within thinking", f"<thinking>a\n<reflection>\nb\n</reflection>\n{fence(WRONG)}</thinking>\n<output>\n{fence(FUNCTION)}</output>", "fence+reasoning"),
    ("capital letters", f"<Think>\n{fence(WRONG)}</THINK>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("closed by a tag of another kind", f"<think>\n{fence(WRONG)}</thinking>\n{fence(FUNCTION)}", "fence+reasoning"),
    ("Magistral", f"[THINK]{fence(WRONG)}[/THINK]{fence(FUNCTION)}", "fence+reasoning"),
    ("begin_of_thought", f"<|begin_of_thought|>\n{fence(WRONG)}\n<|end_of_thought|>\n\n<|begin_of_solution|>\n{fence(FUNCTION)}\n<|end_of_solution|>", "fence+reasoning+special_tokens"),
    ("Kimi", f"◁think▷{fence(WRONG)}◁/think▷{fence(FUNCTION)}", "fence+reasoning"),
    ("gpt-oss", f"<|channel|>analysis<|message|>{fence(WRONG)}<|end|><|start|>assistant<|channel|>final<|message|>{fence(FUNCTION)}<|return|>", "fence+reasoning+special_tokens"),
    ("gpt-oss, apostrophes on the line of its tokens", f"<|channel|>analysis<|message|>Let's \"sum.<|end|><|start|>assistant<|channel|>final<|message|>Here's \"it\":\n{fence(FUNCTION)}<|return|>", "fence+reasoning+special_tokens"),
    ("gpt-oss, a backtick on the line of its tokens", f"<|channel|>analysis<|message|>Use `sum<|end|><|start|>assistant<|channel|>final<|message|>The `total`:\n{fence(FUNCTION)}", "fence+reasoning"),
    ("gpt-oss, a fence on the line of its tokens", f"<|channel|>analysis<|message|>{fence(WRONG).strip()}<|end|><|start|>assistant<|channel|>final<|message|>{fence(FUNCTION)}", "fence+reasoning"),
    ("a fence on the line of a closing tag", f"{fence(WRONG).strip()}</think>{fence(FUNCTION)}", "fence+reasoning"),
    ("apostrophes around the end of the turn", f"{fence(FUNCTION)}That's all<|eot_id|>You're welcome, it's:\n{fence(WRONG)}", "fence+special_tokens"),
    ("MiniMax", f"<think>\nDraft\n</think>\n\n{FUNCTION}[e~[", "restated_function+reasoning+special_tokens"),
    ("MiniMax, a body", f"{BODY.rstrip()}[e~[", "body+special_tokens"),
    ("JSON", json.dumps({"thought": "It's a sum", "code": FUNCTION}), "fence+unwrapped"),
    ("JSON with other code", json.dumps([{"code": FUNCTION, "tests": "from solution import total\n\nassert total([1]) == 2\n"}]), "fence+unwrapped"),
    ("JSON in a fence", fence(json.dumps({"code": FUNCTION}, indent=2) + "\n", "json"), "fence+unwrapped"),
    ("JSON with a fence within, behind prose", "Here: " + json.dumps({"answer": "Code:\n" + fence(FUNCTION)}), "fence+unwrapped"),
    ("JSON with line breaks as they are", '{"code": "' + FUNCTION.replace('"', "'") + '"}', "fence+unwrapped"),
    ("a call of a tool", "<tool_call>\n" + json.dumps({"name": "python", "arguments": {"code": FUNCTION}}) + "\n</tool_call>", "fence+unwrapped"),
    ("gpt-oss, control tokens dropped", f"analysisWe sum. {fence(WRONG)}assistantfinal{fence(FUNCTION)}", "fence+reasoning"),
    ("gpt-oss, opened in the prefill", f"We sum.<|end|><|start|>assistant<|channel|>final<|message|>{fence(FUNCTION)}", "fence+reasoning"),
    ("gpt-oss, the answer in the channel for comments", f"<|channel|>analysis<|message|>{fence(WRONG)}<|end|><|start|>assistant<|channel|>commentary<|message|>{fence(FUNCTION)}<|end|>", "fence+reasoning+special_tokens"),
    ("two messages, no header", f"Hm. {fence(WRONG)}No.<|end|>{fence(FUNCTION)}", "fence+special_tokens+undecided"),
    ("two messages, no header, no fence", f"Hm.\n\n{WRONG}\nIt's wrong.\n<|end|>{FUNCTION}", "restated_function+undecided"),
    ("Phi's second turn", f"{fence(FUNCTION)}<|end|>\n<|assistant|>\n{fence(WRONG)}", "fence+special_tokens+undecided"),
    ("the user's turn after Phi's", f"{fence(FUNCTION)}<|end|>\n<|user|>\nNo.<|end|>\n<|assistant|>\n{fence(WRONG)}", "fence+special_tokens"),
    ("Solar", f"<|think|>{fence(WRONG)}<|end|><|begin|>assistant<|content|>{fence(FUNCTION)}<|end|>", "fence+reasoning+special_tokens"),
    ("Solar, opened in the prefill", f"{fence(WRONG)}<|end|><|begin|>assistant<|content|>{fence(FUNCTION)}<|end|>", "fence+reasoning+special_tokens"),
    ("Apertus", f"<|inner_prefix|>{WRONG}<|inner_suffix|>{FUNCTION}<|assistant_end|>", "restated_function+reasoning+special_tokens"),
    ("Granite, in words", f"Here is my thought process:\n\n{fence(FUNCTION)}\nHere is my response:\n\n{fence(FUNCTION)}", "fence+reasoning"),
    ("in words, and no word for the answer", f"Here is my thought process:\n\n{fence(FUNCTION)}", "fence+undecided"),
    ("Gemma, its tokens dropped", f"thought\n{fence(WRONG)}So:\n{fence(FUNCTION)}", "fence+undecided"),
    ("thinking again after the answer", f"{fence(FUNCTION)}\n<think>\nWait, is that", "fence+reasoning"),
    ("tag in a string of the answer", fence("def total(xs):\n    tag = '<think>'\n    return sum(xs)\n"), "fence"),
    ("both tags in a string", fence("def total(xs):\n    tag = '<think>a</think>'\n    return sum(xs)\n"), "fence"),
    ("tags in a docstring", fence('def total(xs):\n    """Drop\n    <think>\n    a </think>.\n    """\n    return sum(xs)\n'), "fence"),
    ("tag in unfenced code", "def total(xs):\n    '''\n<think>\n'''\n    return sum(xs)\n", "restated_function"),
    ("reasoning, then a tag in a string", "<think>\nHm.\n</think>\n" + fence("def total(xs):\n    tag = '</think>'\n    return sum(xs)\n"), "fence+reasoning"),
    ("tag mentioned in prose", "I do not use `<think>` here.\n" + fence(FUNCTION) + "Remove <think> tags.", "fence"),
    # Control tokens.
    ("</s>", FUNCTION + "</s>", "restated_function+special_tokens"),
    ("<|im_end|>", fence(FUNCTION) + "<|im_end|>\n", "fence+special_tokens"),
    ("<|endoftext|> several times", BODY + "<|endoftext|>" * 3, "body+special_tokens"),
    ("<end_of_turn> and a new turn", fence(FUNCTION) + "<end_of_turn>\n<start_of_turn>user\n" + fence(WRONG), "fence+special_tokens"),
    ("leading header", f"<|im_start|>assistant\n{fence(FUNCTION)}", "fence+special_tokens"),
    ("DeepSeek's bars", fence(FUNCTION) + "<｜end▁of▁sentence｜>", "fence+special_tokens"),
    ("EXAONE", f"[|assistant|]{FUNCTION}[|endofturn|]", "restated_function+special_tokens"),
    ("EXAONE, next turn", f"{fence(FUNCTION)}[|endofturn|]\n[|user|]No\n[|assistant|]{fence(WRONG)}", "fence+special_tokens"),
    ("InternLM, next turn", f"{fence(FUNCTION)}[UNUSED_TOKEN_145]\n[UNUSED_TOKEN_146]user\nNo{fence(WRONG)}", "fence+special_tokens"),
    ("Baichuan, next turn", f"{fence(FUNCTION)}<reserved_106>No<reserved_107>{fence(WRONG)}", "fence+special_tokens"),
    ("StarCoder, next file", f"{FUNCTION}<filename>other.py\n{WRONG}", "restated_function+special_tokens"),
    ("a turn in words", f"{fence(FUNCTION)}\n### Human: No\n### Assistant: {fence(WRONG)}", "fence+undecided"),
    ("a turn in words that dropped tokens left", f"{fence(FUNCTION)}user\nNo\nassistant\n{fence(WRONG)}", "fence+undecided"),
    ("a user in prose", f"User: the caller.\n{fence(WRONG)}Better:\n{fence(FUNCTION)}", "fence"),
    ("token in a string", fence("def total(xs):\n    end = '<|im_end|>'\n    return sum(xs)\n"), "fence"),
]  # fmt: skip


def test_the_table_has_unique_names():
    """Each row of the table has a name of its own."""
    assert max(Counter(name for name, _, _ in RIGHT_ANSWERS).values()) == 1


@pytest.mark.parametrize(("text", "strategy"), [pytest.param(*row[1:], id=row[0]) for row in RIGHT_ANSWERS])
def test_a_right_answer_in_any_shape_is_right(text, strategy):
    """A right function is found and runs, whatever it is wrapped in, and the strategy says how."""
    found = answer(text)
    total = run(found)["total"]
    result = total([1, 2, 3])
    if hasattr(result, "send"):
        with pytest.raises(StopIteration) as stopped:
            result.send(None)
        result = stopped.value.value
    assert result == 6
    assert found.strategy == strategy


# Answers without a right function: (name, text, strategy, whether there is code).
OTHER_ANSWERS = [
    ("empty", "", "none:empty", False),
    ("blank", " \n\t\n", "none:empty", False),
    ("only tokens", "<|im_end|>", "none:empty+special_tokens", False),
    ("refusal", "I'm sorry, I can't do that.", "none:no_code_found", False),
    ("one word", "Sorry", "none:no_code_found", False),
    ("unterminated reasoning", f"<think>\nFirst\n{fence(FUNCTION)}and then", "none:unterminated_reasoning+reasoning", False),
    ("reasoning without an answer", f"<think>\n{fence(FUNCTION)}</think>\n", "none:empty+reasoning", False),
    ("reasoning, then a refusal", f"<think>\n{fence(FUNCTION)}</think>\nNo.", "none:no_code_found+reasoning", False),
    ("inner tag closed, outer not", f"<think>\n<reflection>\na\n</reflection>\n{fence(FUNCTION)}", "none:unterminated_reasoning+reasoning", False),
    ("gpt-oss without a final channel", f"<|channel|>analysis<|message|>{fence(FUNCTION)}", "none:unterminated_reasoning+reasoning", False),
    ("JSON with a wrong function", json.dumps({"code": WRONG}), "fence+unwrapped", True),
    ("JSON with a stub, and the right one not asked for", json.dumps({"code": "def total(xs):\n    pass\n", "other": FUNCTION.replace("total", "add")}), "fence+unwrapped", True),
    ("gpt-oss without a final channel, tokens dropped", f"analysisWe do {fence(FUNCTION)}", "none:unterminated_reasoning+reasoning", False),
    ("doctest only", fence(">>> total([1, 2])\n3\n"), "none:no_code_found", False),
    ("other language", fence("function total(xs) { return 6 }\n", "js"), "none:no_code_found", False),
    ("example only", fence("print(total([1]))\n"), "none:no_code_found", False),
    ("class Solution", fence("class Solution:\n    def total(self, xs):\n        return sum(xs)\n"), "fence", True),
    ("class Solution, unfenced", "class Solution:\n    def total(self, xs):\n        return sum(xs)\n", "whole_file", True),
    ("class Solution in prose", "Here it is:\n\nclass Solution:\n    def total(self, xs):\n        return sum(xs)\n\nDone, isn't it?", "prose_code", True),
    ("another name", fence("def total_of(xs):\n    return sum(xs)\n"), "fence", True),
    ("broken", fence("def total(xs):\n    return sum(xs\n"), "fence", True),
    ("cut in the function", "```python\ndef total(xs):\n    if not xs:\n        return 6\n    retu rn", "fence_unclosed", True),
    ("broken below a comment at the margin", fence("def total(xs):\n    if xs:\n        return 6\n# or\n    retu rn 0\n"), "fence", True),
    ("broken, then reasoning again", fence("def total(xs\n") + "<think>\nWait", "none:unterminated_reasoning+reasoning", False),
    ("broken, unfenced", "Here:\n\ndef total(xs):\n    return sum(xs\n", "prose_code", True),
    ("stub", fence(PROMPT), "fence", True),
    ("wrong", fence(WRONG), "fence", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "strategy", "has_code"), [pytest.param(*row[1:], id=row[0]) for row in OTHER_ANSWERS]
)
def test_what_is_not_right_is_not_made_right(text, strategy, has_code):
    """A text without a right function yields no code, or code that does not give the right answer."""
    found = answer(text)
    assert (found.strategy, found.code is not None) == (strategy, has_code)
    if has_code:
        try:
            result = run(found)["total"]([1, 2, 3])
        except (SyntaxError, KeyError):
            return
        assert result != 6


def test_the_prompts_imports_helpers_and_constants_are_above_a_bare_function():
    """An answer may leave out what the prompt defines besides the function."""
    found = answer(fence("def total(xs):\n    return sum(scale(x) for x in xs)\n"), HELPED)
    assert run(found)["total"]([1.5, 2]) == 6


def test_what_the_answer_defines_itself_is_not_given_again():
    """Where the answer restates a helper, its own one counts, and the prompt's is not above it."""
    text = "def scale(x):\n    return x\n\n\ndef total(xs):\n    return sum(map(scale, xs))\n"
    found = answer(fence(text), HELPED)
    assert run(found)["total"]([1, 2]) == 3
    assert found.code is not None
    assert found.code.count("def scale") == 1
    assert "import math" in found.code


def test_an_answer_that_restates_everything_is_code_as_it_stands():
    """Nothing is added to a block that has all of the prompt's context."""
    assert answer(fence(FILE)).code == FILE


def test_an_answer_may_define_a_class_beside_the_function():
    """Classes and helpers in the block stay."""
    text = "class Adder:\n    def add(self, a, b):\n        return a + b\n\n\ndef total(xs):\n    return Adder().add(*xs)\n"
    assert run(answer(fence(text)))["total"]([1, 2]) == 3


def test_the_prompt_above_a_body_stays_as_it_is():
    """Examples are cut off what the model wrote, not off the prompt."""
    prompt = "import no_such_module\n\nassert True\n\n\n" + PROMPT
    found = answer(BODY + "\nassert total([1]) == 2\n", prompt)
    assert found.strategy == "body+examples"
    assert found.code is not None
    assert found.code.startswith(prompt + BODY)


@pytest.mark.parametrize("docstring", ["", '\n    """Add up."""'])
def test_a_body_below_a_prompt_without_its_line_break(docstring):
    """HumanEvalPack's prompts end without a line break; a body in a fence begins on a line of its own."""
    prompt = f"def total(xs):{docstring}"
    body = "    for x in [0]:\n        return sum(xs)\n"
    found = extraction.extract(
        f"The body:\n```python\n{body}```\n", mode="answer", prompt=prompt, entry_point="total"
    )
    assert found.code is not None
    assert found.code.rstrip() == f"{prompt}\n{body}".rstrip()
