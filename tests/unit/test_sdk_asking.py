"""Questions from Python, against a real service: what this version cannot answer, it says in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import lineage
from fixtures.asking import Project, model_history
from lineage.errors import ServiceRefused


@pytest.fixture
def service(asking: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the history of a model, which this process is configured for."""
    monkeypatch.setenv("LINEAGE_URL", asking.server.url)
    monkeypatch.setenv("LINEAGE_PROJECT", asking.name)
    asking.send(*model_history())
    return asking


@pytest.mark.parametrize(
    ("ask", "feature"),
    [
        (lambda: lineage.why("0199", than="0198"), "run comparison"),
        (lambda: lineage.query("metric.auc > 0.9"), "the query language"),
    ],
)
def test_what_is_not_answered_yet_says_with_what_it_arrives(
    ask: Callable[[], object], feature: str, service: Project
) -> None:
    with pytest.raises(ServiceRefused) as caught:
        ask()
    assert str(caught.value) == f"not available in this version: it arrives with {feature}"
    assert caught.value.status in (404, 405)


def test_what_is_answered_keeps_its_own_words(service: Project) -> None:
    assert lineage.origins("churn")["version"]["number"] == 1
    with pytest.raises(ServiceRefused) as caught:
        lineage.origins("nothing")
    assert "nothing" in str(caught.value)
    assert "this version" not in str(caught.value)
