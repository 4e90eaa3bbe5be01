"""A loopback server with the part of OpenAI's completions API that lm-eval's `local-completions` uses.

    python e2e/server.py --model FOLDER [--port 0] [--log requests.jsonl]

`seed` is honoured, as servers do: equal requests with an equal seed get equal answers. Of the stop sequences
only the first four are, which is OpenAI's limit, so that the others are left to whoever asked. One request
is answered at a time. The first line of standard output is the address.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from model import weights
from transformers import AutoModelForCausalLM, AutoTokenizer, StoppingCriteria, StoppingCriteriaList

STOP_LIMIT = 4  # OpenAI's


class BadRequestError(Exception):
    """The client's mistake; the message goes back to it."""


@dataclass(frozen=True)
class Request:
    """One call, checked."""

    prompts: list[str]
    max_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    seed: int

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Request:
        """Read a body as OpenAI's API would."""
        prompt = body.get("prompt")
        prompts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(prompts, list) or not all(isinstance(text, str) for text in prompts):
            raise BadRequestError("prompt must be text or a list of texts: set tokenized_requests=False")
        stop = body.get("stop") or []
        stop = [stop] if isinstance(stop, str) else stop
        seed = body.get("seed")
        return cls(
            prompts=prompts,
            max_tokens=int(body.get("max_tokens", 16)),
            temperature=float(body.get("temperature", 1.0)),
            top_p=float(body.get("top_p", 1.0)),
            stop=tuple(stop[:STOP_LIMIT]),
            seed=secrets.randbits(32) if seed is None else int(seed),
        )


class StopAt(StoppingCriteria):
    """Ends a row of the batch once its new text holds a stop sequence."""

    def __init__(self, tokenizer: Any, stop: tuple[str, ...], start: int) -> None:
        self.tokenizer, self.stop, self.start = tokenizer, stop, start

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        texts = self.tokenizer.batch_decode(input_ids[:, self.start :], skip_special_tokens=True)
        found = [any(stop in text for stop in self.stop) for text in texts]
        return torch.tensor(found, dtype=torch.bool, device=input_ids.device)


class Completions:
    """The model behind the server."""

    def __init__(self, folder: Path) -> None:
        where = weights(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(where.folder, gguf_file=where.file)
        self.tokenizer.padding_side = "left"
        self.model = AutoModelForCausalLM.from_pretrained(
            where.folder, gguf_file=where.file, dtype=torch.float32
        )
        self.lock = threading.Lock()  # the seed is the process's

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the response object of one request."""
        inputs = self.tokenizer(request.prompts, return_tensors="pt", padding=True)
        start = inputs["input_ids"].shape[1]
        sampling: dict[str, Any] = {"do_sample": False}
        if request.temperature > 0:
            sampling = {
                "do_sample": True,
                "temperature": request.temperature,
                "top_p": request.top_p,
                "top_k": 0,
            }
        with self.lock:
            torch.manual_seed(request.seed)
            output = self.model.generate(
                **inputs,
                **sampling,
                max_new_tokens=request.max_tokens,
                stopping_criteria=StoppingCriteriaList([StopAt(self.tokenizer, request.stop, start)]),
            )
        choices, tokens = [], 0
        for index, row in enumerate(output[:, start:]):
            text = self.tokenizer.decode(row, skip_special_tokens=True)
            # A row goes on, or is padded, until the last of its batch has stopped.
            cut = min((at for stop in request.stop if (at := text.find(stop)) >= 0), default=None)
            ended = cut is not None or self.tokenizer.eos_token_id in row
            choices.append(
                {"index": index, "text": text[:cut], "finish_reason": "stop" if ended else "length"}
            )
            tokens += int((row != self.tokenizer.pad_token_id).sum())
        prompt_tokens = int(inputs["attention_mask"].sum())
        return {
            "id": f"cmpl-{secrets.token_hex(8)}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": "gemma-3-270m",
            "choices": choices,
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": tokens,
                "total_tokens": prompt_tokens + tokens,
            },
        }


def handler(completions: Completions, log: Path | None) -> type[BaseHTTPRequestHandler]:
    """Return the request handler for one model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/v1/completions":
                self.reply(404, {"error": {"message": f"there is no {self.path} here"}})
                return
            try:
                body = json.loads(raw)
                request = Request.parse(body)
            except (ValueError, BadRequestError) as error:
                self.reply(400, {"error": {"message": str(error)}})
                return
            if log is not None:
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(body) + "\n")
            self.reply(200, completions.answer(request))

        def do_GET(self) -> None:
            if self.path == "/v1/models":
                self.reply(200, {"object": "list", "data": [{"id": "gemma-3-270m", "object": "model"}]})
            else:
                self.reply(404, {"error": {"message": f"there is no {self.path} here"}})

        def reply(self, status: int, body: dict[str, Any]) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder for the assembled GGUF file")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--log", type=Path, help="append each request's body to this JSONL file")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    completions = Completions(arguments.model)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), handler(completions, arguments.log))
    print(f"http://127.0.0.1:{server.server_port}/v1/completions", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
