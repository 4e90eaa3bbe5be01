"""Tasks that ask twice for each sample: for a text about the problem, and with that text for the answer.

lm-eval hands all requests to the model in one call. The recorder, which stands in for it there, lets a staged
task ask first: each request then has the second question, and goes the way of every other one. So there is
one answer a sample in results and samples files, whose `arguments` show what the model was told. The journal
has the answers to first questions too, under numbers of their own, so that a run that goes on asks for none
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance

from passk_tasks.errors import PasskError, SettingsError
from passk_tasks.harness import host
from passk_tasks.harness.resume import request_hash
from passk_tasks.harness.task import PasskTask
from passk_tasks.results.answers import written_text_of
from passk_tasks.results.journal import FIRST

Ask = Callable[[list[Instance]], Sequence[Any]]


class StagedTask(PasskTask):
    """A task whose requests are the first questions; `Benchmark.told` says what the second ones tell.

    The prompts of both are the YAML's: that of the second question has `told` besides the row.
    """

    def __init__(self, config: Mapping[str, Any], **more: Any) -> None:
        super().__init__(config, **more)
        if self.spec.settings.top_up is not None:  # its rounds ask one question
            raise SettingsError(f"task {self.task_name} asks twice for each sample: leave passk.top_up out")

    def fewshot_context(self, doc: dict[str, object], *args: Any, **kwargs: Any) -> Any:
        """Return the prompt of a document, and remember how it was asked for."""
        self._asked_for = args, kwargs
        return super().fewshot_context(doc, *args, **kwargs)

    def construct_requests(
        self, doc: dict[str, object], ctx: Any, **kwargs: Any
    ) -> Instance | list[Instance]:
        """Return one request a sample, since each has a second question of its own."""
        built = super().construct_requests(doc, ctx, **kwargs)
        if isinstance(built, list):
            return built
        return [
            host.with_arguments(built, dict(built.arguments[1]), index)
            for index in range(self.spec.settings.samples)
        ]

    def ask_first(self, requests: Sequence[Instance], ask: Ask) -> None:
        """Ask the first questions of this task's requests, and put the second ones into the requests.

        Args:
            requests: all that lm-eval asks, those of other tasks too; one may stand there several times.
            ask: returns the model's answers, and saves them; no cache hears of them, since it would take them
                for the samples.

        Raises:
            PasskError: an answer is missing, or is no text.
        """
        own = {id(instance) for instance in self.instances}
        new = {id(r): r for r in requests if id(r) in own and _key(r) not in self.journal.known}
        asked = list(new.values())
        if not asked:
            return
        first = [host.with_arguments(r, dict(r.arguments[1]), FIRST + r.idx) for r in asked]
        self.journal.ask_also({_key(request): request_hash(request.args) for request in first})
        for request, one, answer in zip(asked, first, ask(first), strict=True):
            self.journal.spent_before[_key(request)] = self.journal.spent(_key(one))
            self._go_on(request, answer)

    def _go_on(self, request: Instance, answer: Any) -> None:
        try:
            told = self._benchmark.told(request.doc, written_text_of(answer))
        except ValueError as error:
            raise PasskError(f"{self.task_name}, {request.doc['task_id']}, first question: {error}") from None
        args, kwargs = self._asked_for
        prompt = super().fewshot_context({**request.doc, "told": told}, *args, **kwargs)
        request.arguments = (prompt, *request.arguments[1:])


def _key(request: Instance) -> tuple[str, int]:
    doc: Mapping[str, object] = request.doc
    return str(doc["task_id"]), request.idx
