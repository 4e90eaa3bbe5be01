"""A loopback server with what lm-eval's models use of OpenAI's API; it counts what is asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Asked = tuple[str, int]  # a prompt as JSON, and the seed


class Server:
    """Answers each request with a text that prompt and seed decide.

    Attributes:
        asked: how often each request came.
        bodies: the requests as they came.
        failure: what to send in place of the answer to request `number`: a status and a body, or None.
        more: what else stands in the answer to a text: of the choice, and of the reply.
        counts_tokens: whether it serves its tokenizer, as vLLM does: one token a word.
    """

    def __init__(self) -> None:
        self.asked: Counter[Asked] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.answered = 0
        self.failure: Callable[[int], tuple[int, Any] | None] = lambda _: None
        self.more: Callable[[str], tuple[dict[str, Any], dict[str, Any]]] = lambda _: ({}, {})
        self.counts_tokens = False
        self.alike = False  # whether seeds are ignored, and each answer is another one
        self.lock = threading.Lock()
        self.url = ""

    def answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        prompt = json.dumps(body.get("prompt") or body["messages"])
        with self.lock:
            number = self.asked.total()
            self.asked[prompt, body["seed"]] += 1
            self.bodies.append(body)
        if (failure := self.failure(number)) is not None:
            return failure
        what = str(number) if self.alike else f"{prompt} {body['seed']}"
        text = f"    return None  # {hashlib.sha256(what.encode()).hexdigest()[:12]}\n"
        choice = {"message": {"content": text}} if "messages" in body else {"text": text}
        of_choice, of_reply = self.more(text)
        return 200, {"choices": [{"index": 0, **choice, **of_choice}], **of_reply}

    def of_tokenizer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """What vLLM's server answers at /tokenizer_info and /tokenize."""
        if not self.counts_tokens:
            return 404, {}
        if path == "/tokenize":
            return 200, {"tokens": list(range(len(body["prompt"].split())))}
        return 200, {"eos_token": "<eos>", "bos_token": None}


@contextmanager
def serve() -> Iterator[Server]:
    """A server on a free port."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self.path.startswith("/v1/"):
                return self.reply(*server.of_tokenizer(self.path, body))
            return self.reply(*server.answer(body))

        def do_GET(self) -> None:
            self.reply(*server.of_tokenizer(self.path, {}))

        def reply(self, status: int, answer: Any) -> None:
            data = json.dumps(answer).encode()
            if status:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            with server.lock:
                server.answered += 1
            self.close_connection = not status  # 0: the connection is cut

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: Any) -> None:
            """A client that was killed is no error."""

    http = Quiet(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1/completions"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
