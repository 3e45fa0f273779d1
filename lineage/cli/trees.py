"""Trees in a terminal: the ancestry of a model, and what surrounds a node.

Owns the walk over an answer's `nodes` and `edges` in the order a person reads them (version, its run, the run's inputs)
and the lines drawn for it. Every node is opened once; the second time it is named and not opened, so cycles end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from lineage.cli.render import Json, bold, count, dim, duration, joined, number, safe, short_run_ids, state, version

_METRICS_SHOWN = 3
_RERUNS_SHOWN = 5
_INDENTED = 120  # columns; beyond them lines of a deeper level stay where they are
# Where a commit comes from when no checkout was there to ask.
_TOLD_BY = {
    "environment": "told by LINEAGE_CODE_COMMIT",
    "ci": "told by the CI system",
    "deployment": "told by the deployment",
    "direct_url": "told by the installed package",
    "sourceCodeLocation": "told by the producer",
}
_CAUSAL = ("USED", "GENERATED_BY", "DERIVED_FROM")


@dataclass(slots=True)
class Branch:
    """One line of a tree and what hangs below it."""

    label: Text
    children: list[Branch] = field(default_factory=list)


def draw(branch: Branch, write: Callable[[Text], None]) -> None:
    """Write a tree line by line; without recursion, and indented so far only: a chain may be thousands deep."""
    stack: list[tuple[Branch, str, str]] = [(branch, "", "")]
    while stack:
        current, lead, below = stack.pop()
        write(Text.assemble((lead, "dim"), current.label))
        last = len(current.children) - 1
        for place in range(last, -1, -1):
            corner, stem = ("└─ ", "   ") if place == last else ("├─ ", "│  ")
            deeper = below + stem if len(below) < _INDENTED else below
            stack.append((current.children[place], below + corner, deeper))


class Graph:
    """Nodes and edges of an answer, by id.

    Args:
        code_shown: each run's line names its code.
        script_shown: each run's line names the script it ran from.
        cut: node id → what to say where the answer stopped at that node although there is more.
    """

    def __init__(
        self,
        nodes: Sequence[Json],
        edges: Sequence[Json],
        *,
        code_shown: bool = True,
        script_shown: bool = False,
        cut: Mapping[str, str] | None = None,
    ) -> None:
        self.nodes: dict[str, Json] = {node["id"]: node for node in nodes}
        self.out: dict[str, list[Json]] = {}
        self.into: dict[str, list[Json]] = {}
        for edge in edges:
            self.out.setdefault(edge["src"], []).append(edge)
            self.into.setdefault(edge["dst"], []).append(edge)
        names = [node["name"] for node in nodes if node["kind"] == "Run"]
        self._short = short_run_ids(names)
        self._code_shown = code_shown
        self._script_shown = script_shown
        self.cut: Mapping[str, str] = cut or {}

    def leaving(self, node: str, *types: str) -> list[Json]:
        """Edges of these types from a node to its causes."""
        return [edge for edge in self.out.get(node, ()) if edge["type"] in types]

    def arriving(self, node: str, *types: str) -> list[Json]:
        """Edges of these types from a node's effects."""
        return [edge for edge in self.into.get(node, ()) if edge["type"] in types]

    def short(self, run_id: str) -> str:
        """A run id cut to what tells it apart here."""
        return self._short.get(run_id, run_id)

    def label(self, node_id: str) -> Text:
        """One line that says what a node is."""
        node = self.nodes.get(node_id)
        if node is None:
            return dim(f"{node_id} (not in this answer)")
        if node["kind"] == "Run":
            return self._run(node)
        if node["kind"] == "DatasetVersion":
            return self._version(node)
        return joined([dim(node["kind"]), bold(node.get("name") or node_id)], " ")

    def _run(self, node: Json) -> Text:
        props = node.get("props", {})
        title = Text.assemble("run ", bold(props.get("job", "?")), " ", self.short(node["name"]))
        took = duration(props.get("started_at"), props.get("ended_at"))
        ended = joined([state(props.get("state")), took], " ")
        script = f"script {safe(props['entry_point'])}" if self._script_shown and props.get("entry_point") else ""
        return joined([title, ended, metrics(props.get("attributes") or {}), self._code(node["id"]), script])

    def _code(self, run: str) -> Text:
        for of in self.leaving(run, "RUN_OF") if self._code_shown else ():
            for built in self.leaving(of["dst"], "BUILT_FROM"):
                code = self.nodes.get(built["dst"])
                if code is not None:
                    return Text("code " + safe(code_label(code.get("props", {}))))
        return Text("")

    def _version(self, node: Json) -> Text:
        props = node.get("props", {})
        return joined(
            [
                bold(dataset_name(node)),
                Text(safe(version(props.get("scheme"), props.get("value")))),
                count(props.get("rows"), "row"),
            ],
            "  ",
        )


def ancestry(graph: Graph, root: str) -> Branch:
    """The tree of what a version or run was made from."""
    top = Branch(graph.label(root))
    # (branch, node, generating run meant ("" = any))
    stack: list[tuple[Branch, str, str]] = [(top, root, "")]
    opened: set[tuple[object, ...]] = set()
    while stack:
        branch, node, generation = stack.pop()
        is_run = graph.nodes.get(node, {}).get("kind") == "Run"
        pending = _run_children(graph, node) if is_run else _version_children(graph, node, generation)
        # Two generations of one version may lead on by the same steps: then it is the same subtree.
        subtree = (node, *((child, meant) for _, child, meant, _ in pending))
        if subtree in opened:
            if graph.leaving(node, *_CAUSAL):
                branch.label = Text.assemble(branch.label, dim("   (above)"))
            continue
        opened.add(subtree)
        if not is_run:
            if not graph.leaving(node, "GENERATED_BY"):
                end = graph.cut.get(node, "source: no producer known")
                branch.label = Text.assemble(branch.label, dim(f"   {end}"))
        elif not pending and node in graph.cut:
            branch.label = Text.assemble(branch.label, dim(f"   {graph.cut[node]}"))
        steps = []
        for child_label, child, meant, inputs in pending:
            child_branch = Branch(child_label)
            branch.children.append(child_branch)
            if inputs is None:
                steps.append((child_branch, child, meant))
                continue
            for input_label, version_id, run_meant in inputs:
                leaf = Branch(input_label)
                child_branch.children.append(leaf)
                steps.append((leaf, version_id, run_meant))
        stack.extend(reversed(steps))
    return top


Pending = tuple[Text, str, str, list[tuple[Text, str, str]] | None]


def _version_children(graph: Graph, node: str, generation: str) -> list[Pending]:
    same: dict[tuple[object, ...], list[tuple[str, list[Json] | None]]] = {}
    for made in graph.leaving(node, "GENERATED_BY"):
        run = made["dst"]
        if generation and run != generation:
            continue
        derived = None
        if made.get("explicit"):
            derived = [e for e in graph.leaving(node, "DERIVED_FROM") if e.get("via") == run]
        same.setdefault(_content(graph, run, derived), []).append((run, derived))
    found: list[Pending] = []
    for runs in same.values():
        runs.sort(key=lambda made: _started(graph, made[0]), reverse=True)
        run, derived = runs[0]
        label = Text.assemble(graph.label(run), dim(_reruns(graph, [made for made, _ in runs])))
        found.append((label, run, "", None if derived is None else [_input(graph, edge) for edge in derived]))
    return found


def _content(graph: Graph, run: str, derived: Sequence[Json] | None) -> tuple[object, ...]:
    """What two runs of one job have in common when they made a version from the same inputs; else the run itself."""
    inputs = frozenset(edge["dst"] for edge in (graph.leaving(run, "USED") if derived is None else derived))
    job = graph.nodes.get(run, {}).get("props", {}).get("job")
    return (job, derived is None, inputs) if inputs and job else (run,)


def _started(graph: Graph, run: str) -> str:
    return str(graph.nodes.get(run, {}).get("props", {}).get("started_at") or "")


def _reruns(graph: Graph, runs: Sequence[str]) -> str:
    if len(runs) == 1:
        return ""
    names = [graph.short(graph.nodes[run]["name"]) for run in runs]
    more = f", … {len(names) - _RERUNS_SHOWN} more" if len(names) > _RERUNS_SHOWN else ""
    return f"   made {len(names)} times, the latest is shown; all: {', '.join(names[:_RERUNS_SHOWN])}{more}"


def _run_children(graph: Graph, run: str) -> list[Pending]:
    children: list[Pending] = []
    for edge in graph.leaving(run, "USED"):
        label, version_id, meant = _input(graph, edge)
        children.append((label, version_id, meant, None))
    return children


def _input(graph: Graph, edge: Json) -> tuple[Text, str, str]:
    meant = edge.get("generation") or ""
    label = Text.assemble(graph.label(edge["dst"]), dim(_how(graph, edge, meant)))
    return label, edge["dst"], meant


def _how(graph: Graph, edge: Json, meant: str) -> str:
    words = []
    precision = edge.get("precision")
    maker = graph.nodes.get(meant, {}).get("props", {}).get("job")
    if precision == "passed" and maker:
        words.append(f"passed from {maker}")
    elif precision:
        words.append(precision)
    if edge.get("basis") == "inferred":
        words.append("inferred")
    changed = "   (changed on its way)" if edge.get("changed") else ""
    return f"   {', '.join(words)}{changed}" if words else changed


def descent(graph: Graph, root: str) -> Branch:
    """The tree of what was made from a version or run."""
    top = Branch(graph.label(root))
    # (branch, node, the version the run was reached by; "" = not through one)
    stack: list[tuple[Branch, str, str]] = [(top, root, "")]
    opened: set[tuple[str, ...]] = set()
    while stack:
        branch, node, through = stack.pop()
        effects = list(_effects(graph, node, through))
        subtree = (node, *(effect for effect, _ in effects))
        if subtree in opened:
            if effects:
                branch.label = Text.assemble(branch.label, dim("   (above)"))
            continue
        opened.add(subtree)
        if not effects and node in graph.cut:
            branch.label = Text.assemble(branch.label, dim(f"   {graph.cut[node]}"))
        steps = []
        for effect, edge in effects:
            changed = dim("   (changed on its way)" if edge.get("changed") else "")
            child = Branch(Text.assemble(graph.label(effect), changed))
            branch.children.append(child)
            is_run = graph.nodes.get(effect, {}).get("kind") == "Run"
            steps.append((child, effect, node if is_run else ""))
        stack.extend(reversed(steps))
    return top


def _effects(graph: Graph, node: str, through: str) -> Iterator[tuple[str, Json]]:
    """Runs that used a version; outputs of a run, of those that say what they derive from only what does so."""
    for edge in graph.arriving(node, "USED"):
        yield edge["src"], edge
    for edge in graph.arriving(node, "GENERATED_BY"):
        stated = graph.leaving(edge["src"], "DERIVED_FROM") if edge.get("explicit") and through else ()
        if not stated or any(source["dst"] == through and source["via"] == node for source in stated):
            yield edge["src"], edge


def metrics(attributes: Mapping[str, Any]) -> Text:
    """The first metrics of a run: `auc 0.941  f1 0.88  +2`."""
    found = [(key.removeprefix("metric."), value) for key, value in attributes.items() if key.startswith("metric.")]
    shown = [f"{safe(name)} {safe(number(value['text']))}" for name, value in found[:_METRICS_SHOWN]]
    if len(found) > _METRICS_SHOWN:
        shown.append(f"+{len(found) - _METRICS_SHOWN} more")
    return Text("  ".join(shown), style="bold" if shown else "")


def code_label(props: Mapping[str, Any]) -> str:
    """A code version in few characters: commit or source digest, and whether it was dirty."""
    if props.get("commit"):
        dirty = "dirty, diff kept" if props.get("diffDigest") else "dirty" if props.get("dirty") else ""
        told = _TOLD_BY.get(str(props.get("source")), "")
        remarks = ", ".join(remark for remark in (dirty, told) if remark)
        return f"{str(props['commit'])[:10]}{f' ({remarks})' if remarks else ''}"
    if props.get("sourceDigest"):
        return f"source {str(props['sourceDigest']).removeprefix('sha256:')[:10]} (no repository)"
    return "unknown"


def dataset_name(named: Mapping[str, Any]) -> str:
    """A dataset as a person writes it: a path, an address, or an in-memory value's plain name."""
    namespace, name = str(named.get("namespace") or ""), str(named.get("name") or "?")
    if namespace in ("file", "memory", "models", ""):
        return name
    return f"{namespace.rstrip('/')}/{name.lstrip('/')}" if "://" in namespace else f"{namespace}:{name}"
