"""`lineage gate`: may this model pass? Exit code 1 when a rule refuses it."""

from __future__ import annotations

import json as decoder
from pathlib import Path
from typing import Annotated, Any

import typer

from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import ModelReference, model_ref
from lineage.errors import UsageError

RULES = ("dirty_code", "missing_digest", "unknown_origin")


def gate(
    model: ModelReference,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="YAML or JSON file with a list `rules`; without it every rule is asked."),
    ] = None,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """Check the ancestry of a model against rules: dirty_code, missing_digest, unknown_origin."""
    rules = list(RULES) if policy is None else read_policy(policy)
    with connect(project) as client:
        verdict = client.check_policy(model_ref(client, model), rules)
    if json:
        render.emit_json(verdict)
    elif verdict["allowed"]:
        render.line(render.bold("allowed: "), f"{render.count(len(rules), 'rule')} found nothing against it")
    else:
        refused = {refusal["rule"] for refusal in verdict["refusals"]}
        render.line(render.bold("refused: "), f"{len(refused)} of {render.count(len(rules), 'rule')}")
        for refusal in verdict["refusals"]:
            path = " ← ".join(step["label"] for step in refusal["path"])
            render.line("- ", render.joined([f"{refusal['rule']:<14}", refusal["text"], render.dim(path)]))
    if not verdict["allowed"]:
        raise typer.Exit(1)


def read_policy(path: Path) -> list[str]:
    """The rules a policy file names.

    Raises:
        UsageError: it cannot be read, or names a rule there is not.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--policy {path}: cannot be read: {error}") from None
    document = _parse(path, text)
    rules = document.get("rules") if isinstance(document, dict) else None
    names = [rule.get("rule") if isinstance(rule, dict) else rule for rule in rules] if isinstance(rules, list) else []
    if not names:
        raise UsageError(f"--policy {path}: expected a list `rules`, for example: rules: [{', '.join(RULES)}]")
    unknown = [str(name) for name in names if name not in RULES]
    if unknown:
        raise UsageError(f"--policy {path}: no rule {', '.join(unknown)}; there are {', '.join(RULES)}")
    return [str(name) for name in names]


def _parse(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".json":
        try:
            return decoder.loads(text)
        except ValueError as error:
            raise UsageError(f"--policy {path}: not JSON: {error}") from None
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        why = " ".join(str(problem or error).split())
        raise UsageError(f"--policy {path}{where}: not YAML: {why}") from None
