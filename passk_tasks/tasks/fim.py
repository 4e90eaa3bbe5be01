"""How families of models are asked to fill a gap: with their own tokens around prefix and suffix.

Each template is the prefix-suffix-middle form from the family's documentation, which is named beside it. The
model continues with the middle, and ends it with one of the stop sequences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACE = re.compile(r"\{(prefix|suffix)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """How one family is asked.

    Attributes:
        text: the prompt, with the places `{prefix}` and `{suffix}`.
        stops: what the family writes after the middle; at most four, since some servers take no more.
    """

    text: str
    stops: tuple[str, ...] = ()

    def render(self, prefix: str, suffix: str) -> str:
        """Return the prompt; braces in prefix and suffix stay as they are."""
        parts = {"prefix": prefix, "suffix": suffix}
        return _PLACE.sub(lambda place: parts[place[1]], self.text)


TEMPLATES: dict[str, Template] = {
    # https://huggingface.co/bigcode/starcoder; StarCoder 2 too (MultiPL-E, starcoder2.py)
    "starcoder": Template(
        "<fim_prefix>{prefix}<fim_suffix>{suffix}<fim_middle>", ("<|endoftext|>", "<file_sep>")
    ),
    # https://huggingface.co/bigcode/santacoder, with hyphens
    "santacoder": Template("<fim-prefix>{prefix}<fim-suffix>{suffix}<fim-middle>", ("<|endoftext|>",)),
    # facebookresearch/codellama, llama/generation.py, infilling_prompt_tokens; the 7B and 13B base models.
    # The token is `▁<EOT>`, which decoders write with its blank: left behind, it would indent the suffix.
    "codellama": Template("<PRE> {prefix} <SUF>{suffix} <MID>", (" <EOT>", "▁<EOT>", "<EOT>")),
    # https://huggingface.co/deepseek-ai/deepseek-coder-6.7b-base; DeepSeek's bars and blanks are no ASCII
    "deepseek": Template(
        "<｜fim▁begin｜>{prefix}<｜fim▁hole｜>{suffix}<｜fim▁end｜>",
        ("<|EOT|>", "<｜end▁of▁sentence｜>"),
    ),
    # https://github.com/QwenLM/Qwen2.5-Coder, README, "Fill in the middle with Qwen2.5-Coder"
    "qwen": Template(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>",
        ("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<|repo_name|>"),
    ),
    # https://ai.google.dev/gemma/docs/codegemma/prompt-structure
    "codegemma": Template(
        "<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>", ("<|file_separator|>",)
    ),
}


def template(name: str) -> Template:
    """Return a family's template, or a template with `name` as its text.

    Raises:
        ValueError: `name` is no family, and does not hold `{prefix}` and `{suffix}` once each; the message
            says what it must be.
    """
    if name in TEMPLATES:
        return TEMPLATES[name]
    if sorted(_PLACE.findall(name)) == ["prefix", "suffix"]:
        return Template(name)
    raise ValueError(
        f"one of {', '.join(TEMPLATES)}, or a text with {{prefix}} and {{suffix}} in it, each once"
    )
