"""Runs `passk` with what is slow to import imported already, each time in a process that can be killed.

Each line of standard input is a JSON list: a file for what it prints, one that gets a line for each text that
`hf` is to generate, and the arguments. The answer is its number, and when it has ended its status.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Fork for each line."""
    import torch
    import transformers.models.gpt2.modeling_gpt2  # noqa: F401
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    import passk_tasks.harness.run  # noqa: F401
    from passk_tasks.cli import app

    torch.set_num_threads(1)
    TaskManager.__init__.__defaults__ = (None, None, False, None)  # as in our_tasks.py
    generate = HFLM._model_generate
    for line in sys.stdin:
        log, asked, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:

            def counted(model: Any, context: Any, *args: Any, asked: str = asked, **kwargs: Any) -> Any:
                with Path(asked).open("a") as file:
                    file.write("\n" * len(context))
                return generate(model, context, *args, **kwargs)

            HFLM._model_generate = counted
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for number in (1, 2):
                os.dup2(file, number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            status = 1
            try:
                status = app.main(arguments)
            except SystemExit as error:
                status = error.code if isinstance(error.code, int) else 1
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
