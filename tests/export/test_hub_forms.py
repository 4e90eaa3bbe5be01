"""Hugging Face's two forms and Every Eval Ever, read back by the libraries that receive them."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from one_run import stored

from passk_tasks.errors import ExportError
from passk_tasks.export import Details, every_eval_ever, export
from passk_tasks.export.every_eval_ever import SCHEMA
from passk_tasks.results import sample_files
from passk_tasks.verdict import Verdict

huggingface_hub = pytest.importorskip("huggingface_hub")
REGISTERED = Details(dataset_id="openai/openai_humaneval", dataset_task="humaneval")
EVALUATOR = Details(model="org/model", organization="Somebody", relationship="third_party")


def test_an_eval_result_has_its_uncertainty_in_the_notes(tmp_path, evaluated_run):
    """huggingface_hub reads the entry; what the form has no field for is in its notes."""
    if not hasattr(huggingface_hub, "parse_eval_result_entries"):
        pytest.skip("this huggingface_hub does not know .eval_results yet")
    run = stored(evaluated_run(tmp_path / "run"))
    (path,) = export([run], "hf-eval-results", tmp_path / "out", REGISTERED).files
    assert path == tmp_path / "out" / ".eval_results" / "openai_humaneval.yaml"
    (entry,) = huggingface_hub.parse_eval_result_entries(yaml.safe_load(path.read_text()))
    assert (entry.dataset_id, entry.task_id) == ("openai/openai_humaneval", "humaneval")
    assert entry.value == pytest.approx(100 * run.scores["pass@1"])
    for part in ("n = 4", "T = 0.2", "judge isolated", "over problems", "over samples"):
        assert part in entry.notes


def test_an_eval_result_says_where_it_comes_from(tmp_path, evaluated_run):
    """The dataset's commit where the problems came from that repository at one, and who evaluated."""
    if not hasattr(huggingface_hub, "parse_eval_result_entries"):
        pytest.skip("this huggingface_hub does not know .eval_results yet")
    run = stored(evaluated_run(tmp_path / "run"))
    who = replace(REGISTERED, user="me", organization="us", source_url="https://example.org/log")
    commit = "0123456789abcdef" * 2 + "01234567"
    pinned = replace(run, dataset_source=f"hub: openai/openai_humaneval (test at {commit})")
    for one, revision in ((run, None), (pinned, commit)):
        exported = export([one], "hf-eval-results", tmp_path / "out", who)
        content = yaml.safe_load(exported.files[0].read_text())
        (entry,) = huggingface_hub.parse_eval_result_entries(content)
        assert entry.dataset_revision == revision
        assert (entry.source_url, entry.source_user, entry.source_org) == (who.source_url, "me", "us")
        assert entry.source_name.startswith("passk-tasks ")
        assert ("dataset.revision" in exported.note) == (revision is None)
    other = replace(who, dataset_id="somebody/else")
    (path,) = export([pinned], "hf-eval-results", tmp_path / "out", other).files
    assert "revision" not in yaml.safe_load(path.read_text())[0]["dataset"]


def test_no_benchmark_is_claimed(tmp_path, evaluated_run):
    """Which registered benchmark it is has to be said: nobody can check it here."""
    run = stored(evaluated_run(tmp_path / "run"))
    with pytest.raises(ExportError) as raised:
        export([run], "hf-eval-results", tmp_path / "out", Details(user="me"))
    assert [
        part for part in ("--dataset-id", "--dataset-task", "--source-url") if part in str(raised.value)
    ] == [
        "--dataset-id",
        "--dataset-task",
        "--source-url",
    ]


def test_a_model_card_takes_the_index(tmp_path, evaluated_run):
    """A card with the index in its head is read by huggingface_hub, with both uncertainties."""
    run = stored(evaluated_run(tmp_path / "run"))
    (path,) = export([run], "model-index", tmp_path / "out").files
    card = huggingface_hub.ModelCard(f"---\n{path.read_text()}---\n# A model\n")
    (result,) = card.data.eval_results
    assert card.data.model_name == "org/model"
    assert (result.metric_type, result.metric_value) == ("pass@1", run.scores["pass@1"])
    assert result.dataset_type == "openai/openai_humaneval"
    assert result.metric_args["n"] == 4
    low, high = result.metric_args["ci95_over_samples"]
    assert low < result.metric_value < high
    assert result.metric_args["method_over_samples"] == "over-samples"


def test_a_bound_is_called_one_in_a_model_card(tmp_path, evaluated_run):
    """Where n is too small for a standard error over samples, what stands in its place is named."""
    run = stored(evaluated_run(tmp_path / "run", n=1))
    (path,) = export([run], "model-index", tmp_path / "out").files
    (model,) = yaml.safe_load(path.read_text())["model-index"]
    (metric,) = model["results"][0]["metrics"]
    assert metric["args"]["method_over_samples"] == "over-samples-bound"


def test_several_runs_share_a_model_card(tmp_path, evaluated_run):
    """The index holds every run that is named."""
    runs = [stored(evaluated_run(tmp_path / name, task=name)) for name in ("one", "two")]
    (path,) = export(runs, "model-index", tmp_path / "out").files
    (model,) = yaml.safe_load(path.read_text())["model-index"]
    names = [metric["name"] for result in model["results"] for metric in result["metrics"]]
    assert names == ["pass@1 (one)", "pass@1 (two)"]


def schema(name: str) -> dict:
    """Return one of the schemas that the package every-eval-ever carries; nothing of it is imported."""
    found = importlib.util.find_spec("every_eval_ever")
    if found is None or not found.submodule_search_locations:
        pytest.skip("every-eval-ever is not installed")
    folder = Path(found.submodule_search_locations[0]) / "schemas"
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_every_eval_ever_s_schemas_hold(tmp_path, evaluated_run):
    """The aggregate and every sample are valid by the schemas of the package that receives them."""
    aggregate, instance = schema("eval.schema.json"), schema("instance_level_eval.schema.json")
    jsonschema = pytest.importorskip("jsonschema")
    run = stored(evaluated_run(tmp_path / "run"))
    one, lines = export([run], "every-eval-ever", tmp_path / "out", EVALUATOR).files
    jsonschema.Draft7Validator(aggregate).validate(json.loads(one.read_text()))
    validator = jsonschema.Draft7Validator(instance)
    for line in lines.read_text().splitlines():
        validator.validate(json.loads(line))
    assert aggregate["version"] == SCHEMA


@pytest.mark.parametrize(
    ("name", "metric", "kind", "parameters"),
    [
        ("pass@10", "pass_at_k", "pass_rate", {"k": 10}),
        ("base_pass@1", "passk_tasks.base_pass_at_k", "pass_rate", {"k": 1}),
        ("kept_pass@5", "passk_tasks.kept_pass_at_k", "pass_rate", {"k": 5}),
        ("pass^3", "passk_tasks.pass_hat_k", "pass_rate", {"k": 3}),
        ("g-pass@4_0.5", "passk_tasks.g_pass_at_k_t", "g_pass_at_k_t", {"k": 4, "share": 0.5}),
        ("1@10", "passk_tasks.n_at_k", "n_at_k", {"k": 10, "submissions": 1.0}),
        ("cover@0.8", "passk_tasks.cover_at_t", "cover_at_t", {"share": 0.8}),
        ("max@2", "passk_tasks.max_at_k", "max_at_k", {"k": 2}),
        ("newer@7", "passk_tasks.newer_at_k", "newer_at_k", {"k": 7}),
    ],
)
def test_only_pass_at_k_is_called_so(source, name, metric, kind, parameters):
    """Ids join metrics of one kind there, so another metric has an id of ours, and its own parameters."""
    one = source([{"task_id": "X/0", "prompt": "p"}], [("a", Verdict.PASSED)])
    found = every_eval_ever._metric(name, one)
    assert (found["metric_id"], found["metric_kind"]) == (metric, kind)
    assert found["metric_parameters"] == {**parameters, "n": 1}
    assert str(found["evaluation_description"]).startswith(f"{name} on family: ")


def test_every_eval_ever_s_files_belong_together(tmp_path, evaluated_run):
    """Names, number and hash of the samples are those that the aggregate gives, and the scores agree."""
    run = stored(evaluated_run(tmp_path / "run"))
    one, lines = export([run], "every-eval-ever", tmp_path / "out", EVALUATOR).files
    content = json.loads(one.read_text())
    told = content["detailed_evaluation_results"]
    assert tmp_path / "out" / told["file_path"] == lines
    assert lines.name == f"{one.stem}_samples.jsonl"
    found = [json.loads(line) for line in lines.read_text().splitlines()]
    assert told["total_rows"] == len(found) == run.samples
    assert {line["evaluation_id"] for line in found} == {content["evaluation_id"]}
    (result,) = content["evaluation_results"]
    mean = sum(line["evaluation"]["score"] for line in found) / len(found)
    assert result["score_details"]["score"] == pytest.approx(mean)
    uncertainty = result["score_details"]["uncertainty"]
    assert uncertainty["confidence_interval"]["lower"] < mean < uncertainty["confidence_interval"]["upper"]
    assert result["source_data"]["hf_repo"] == "openai/openai_humaneval"
    texts = [sample.text for sample in sample_files.read(run.samples_path).samples]
    assert sorted(line["output"]["raw"][0] for line in found) == sorted(texts)


def test_every_eval_ever_gets_what_it_took(tmp_path, evaluated_run):
    """Tokens of each sample, and of the run with who counted them; what nobody counted is not there."""
    run = stored(evaluated_run(tmp_path / "run"))
    one, lines = export([run], "every-eval-ever", tmp_path / "out", EVALUATOR).files
    used = [json.loads(line).get("token_usage") for line in lines.read_text().splitlines()]
    assert used == [{"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}] * run.samples
    (result,) = json.loads(one.read_text())["evaluation_results"]
    told = result["generation_config"]["additional_details"]
    assert told["tokens_out"] == str(3 * run.samples)
    assert told["tokens_counted_by_server"] == str(run.samples)
    assert "generation_s" not in told


def test_the_same_run_gives_the_same_files(tmp_path, evaluated_run):
    """An export made twice is the same to the byte, its names included."""
    run = stored(evaluated_run(tmp_path / "run"))
    once, again = (export([run], "every-eval-ever", tmp_path / name, EVALUATOR).files for name in "ab")
    assert [path.name for path in once] == [path.name for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


def test_every_eval_ever_gets_no_sample_without_a_verdict(source):
    """It would count as an incorrect one there, which it is not."""
    found = source([{"task_id": "HumanEval/0", "prompt": "p"}], [("a = 1", Verdict.PASSED)])
    without = replace(found, run=replace(found.run, verdicts={"passed": 1, "infra_error": 2}))
    form = every_eval_ever.EveryEvalEver()
    assert list(form.missing([found], EVALUATOR)) == []
    (said,) = form.missing([without], EVALUATOR)
    assert said.startswith("a verdict for every sample: 2 have none")


def test_every_eval_ever_wants_to_know_who(tmp_path, evaluated_run):
    """Who evaluated and what they are to the model's makers is asked for, at once."""
    run = stored(evaluated_run(tmp_path / "run"))
    with pytest.raises(ExportError) as raised:
        export([run], "every-eval-ever", tmp_path / "out")
    assert len(raised.value.missing) == 2
