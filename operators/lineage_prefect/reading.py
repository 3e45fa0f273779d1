"""Prefect's events as events of runs.

Owns what each state of a flow or task run means, and where assets go: run ids and job names are those that decorators
and hooks use (`identity`), so that what both tell is one run. The same event always becomes the same records, whenever
it is read: the service knows them again. What an event leaves out is asked of `Lookup`. Reads and sends nothing itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from lineage import diagnostics, events, increments
from lineage import facets as standard
from lineage.orchestrator import Named
from lineage.redact import redact_event
from lineage.typed import Typed
from lineage_prefect import facets, identity, states
from lineage_prefect.asset_names import entry

Json = dict[str, Any]
PREFIXES = ("prefect.flow-run.", "prefect.task-run.", "prefect.asset.materialization.")
MAX_REMEMBERED = 50_000


class Lookup(Protocol):
    """What Prefect's server knows beside its events; None where it does not know it any more."""

    async def flow_run(self, run_id: UUID) -> Json | None:
        """A flow run: `name`, `run_count`, `parameters`, `flow_name`, `parent_task_run_id`."""
        ...

    async def task_run(self, run_id: UUID) -> Json | None:
        """A task run: `run_count`, `flow_run_id`, `flow_run_run_count`."""
        ...


class Reader:
    """Turns one event after the other into records; remembers the attempts it has seen."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._tasks: OrderedDict[UUID, Named] = OrderedDict()
        self._flows: OrderedDict[UUID, Named] = OrderedDict()
        self._parents: OrderedDict[UUID, UUID | None] = OrderedDict()

    async def read(self, event: Mapping[str, Any]) -> list[events.Event]:
        """The records of one event; empty for what says nothing of a run."""
        name = str(event.get("event", ""))
        if name.startswith("prefect.asset.materialization."):
            found = await self._asset(event) if name.endswith(".succeeded") else []
        elif name.startswith(PREFIXES) and "validated_state" in (event.get("payload") or {}):
            found = await (self._flow(event) if name.startswith("prefect.flow-run.") else self._task(event))
        else:
            return []
        return [redact_event(record) for record in found]

    async def _flow(self, event: Mapping[str, Any]) -> list[events.Event]:
        run_id, attempt = _run_id(event), _attempt(event)
        flow = _related(event, "flow")
        told = states.told(_state(event), attempt)
        if flow is None or not told:
            return []
        parent_task = _related_id(event, "task-run")
        self._parents.setdefault(run_id, await self._calling_flow(parent_task) if parent_task else None)
        above = await self._around(run_id)
        found = []
        for ending in told:
            named = identity.flow_run(run_id, ending.attempt, flow)
            _keep(self._flows, run_id, named)
            details = {"flowRunId": str(run_id), "name": _name(event), **_deployment(event)}
            content: Json = {"weftline_prefect": facets.prefect(details)}
            if ending.type == "START":
                content.update(await self._parameters(run_id))
            found.append(_record(event, named, ending, "flow", content, above))
        return found

    async def _task(self, event: Mapping[str, Any]) -> list[events.Event]:
        run_id, attempt = _run_id(event), _attempt(event)
        told = states.told(_state(event), attempt)
        run = (event["payload"].get("task_run")) or {}
        flow, flow_id = _related(event, "flow"), _related_id(event, "flow-run")
        if not told:
            return []
        above: tuple[Named, Named] | None = None
        if flow is not None and flow_id is not None:
            parent = identity.flow_run(flow_id, int(run.get("flow_run_run_count") or 1), flow)
            further = await self._around(flow_id)
            above = (parent, further[1] if further is not None else parent)
        found = []
        for ending in told:
            named = identity.task_run(run_id, ending.attempt, _task_name(run), flow)
            _keep(self._tasks, run_id, named)
            details = {"taskRunId": str(run_id), "flowRunId": flow_id and str(flow_id), "name": run.get("name")}
            content: Json = {"weftline_prefect": facets.prefect({**details, "dynamicKey": run.get("dynamic_key")})}
            if ending.outcome == "cached":
                data = event["payload"]["validated_state"].get("data") or {}
                content["weftline_cached"] = facets.cached(data.get("storage_key"), None, [])
            found.append(_record(event, named, ending, "task", content, above))
        return found

    async def _asset(self, event: Mapping[str, Any]) -> list[events.Event]:
        run_id = _related_id(event, "task-run")
        if run_id is None:
            return []
        named = self._tasks.get(run_id) or await self._asked_task(event, run_id)
        if named is None:
            diagnostics.debug(f"asset {event['resource'].get('prefect.resource.id')}: its task run is not known")
            return []
        inputs = [entry(item["prefect.resource.id"]) for item in _all_related(event, "asset")]
        outputs = [entry(event["resource"]["prefect.resource.id"])]
        return [events.run_event("RUNNING", named.run_id, named.job_entry, {}, inputs, outputs, _time(event))]

    async def _asked_task(self, event: Mapping[str, Any], run_id: UUID) -> Named | None:
        run = await self._lookup.task_run(run_id)
        if run is None:
            return None
        return identity.task_run(run_id, int(run["run_count"] or 1), _task_name(run), _related(event, "flow"))

    async def _parameters(self, run_id: UUID) -> Json:
        run = await self._lookup.flow_run(run_id)
        values: dict[str, Typed] = {}
        for name, value in ((run or {}).get("parameters") or {}).items():
            parameter = increments.parameter(str(name), value)
            if parameter is not None:
                values[str(name)] = parameter
        return standard.parameters(values) if values else {}

    async def _calling_flow(self, task_run: UUID) -> UUID | None:
        """The flow that called a subflow: Prefect keeps a task run for the call."""
        run = await self._lookup.task_run(task_run)
        return UUID(str(run["flow_run_id"])) if run is not None and run["flow_run_id"] is not None else None

    async def _around(self, flow_run: UUID) -> tuple[Named, Named] | None:
        """The flow that called this one, and the outermost; None for one that nobody called."""
        if flow_run not in self._parents:
            run = await self._lookup.flow_run(flow_run)
            task = (run or {}).get("parent_task_run_id")
            _keep(self._parents, flow_run, await self._calling_flow(UUID(str(task))) if task else None)
        caller = self._parents[flow_run]
        if caller is None:
            return None
        named = self._flows.get(caller) or await self._asked_flow(caller)
        if named is None:
            return None
        further = await self._around(caller)
        return named, further[1] if further is not None else named

    async def _asked_flow(self, run_id: UUID) -> Named | None:
        run = await self._lookup.flow_run(run_id)
        return None if run is None else identity.flow_run(run_id, int(run["run_count"] or 1), str(run["flow_name"]))


def _record(
    event: Mapping[str, Any],
    named: Named,
    ending: states.Told,
    kind: str,
    content: Json,
    above: tuple[Named, Named] | None,
) -> events.Event:
    found: Json = {"weftline_run": standard.run(kind, None, (), ending.outcome, ending.attempt), **content}
    if above is not None:
        parent, top = above
        found["parent"] = standard.parent(parent.run_id, parent.job_entry, top.run_id, top.job_entry)
    if ending.type == "FAIL":
        message = states.message(_state(event))
        if message is not None:
            found["errorMessage"] = standard.error_message(increments.clean("message", message), None)
    return events.run_event(ending.type, named.run_id, named.job_entry, found, at=_time(event))


def _task_name(run: Mapping[str, Any]) -> str:
    """Name of the task behind a run: Prefect's own names of runs end in the beginning of their dynamic key."""
    name, key = str(run.get("name") or ""), str(run.get("dynamic_key") or "")
    for ending in (f"-{key[:3]}", f"-{key}"):
        if key and name.endswith(ending):
            return name.removesuffix(ending)
    return str(run.get("task_key") or name).rpartition("-")[0] or name


def _deployment(event: Mapping[str, Any]) -> Json:
    found = _related_id(event, "deployment")
    return {
        "deploymentId": found and str(found),
        "deploymentName": _related(event, "deployment"),
        "workPool": _related(event, "work-pool"),
        "workQueue": _related(event, "work-queue"),
    }


def _state(event: Mapping[str, Any]) -> Mapping[str, Any]:
    state: Mapping[str, Any] = event["payload"]["validated_state"]
    return state


def _run_id(event: Mapping[str, Any]) -> UUID:
    return UUID(str(event["resource"]["prefect.resource.id"]).rpartition(".")[2])


def _attempt(event: Mapping[str, Any]) -> int:
    return int(event["resource"].get("prefect.run-count") or 0)


def _name(event: Mapping[str, Any]) -> str | None:
    name: str | None = event["resource"].get("prefect.resource.name")
    return name


def _time(event: Mapping[str, Any]) -> str:
    return str(event["occurred"])


def _all_related(event: Mapping[str, Any], role: str) -> list[Mapping[str, Any]]:
    return [item for item in event.get("related") or () if item.get("prefect.resource.role") == role]


def _related(event: Mapping[str, Any], role: str) -> str | None:
    return next((item.get("prefect.resource.name") for item in _all_related(event, role)), None)


def _related_id(event: Mapping[str, Any], role: str) -> UUID | None:
    for item in _all_related(event, role):
        try:
            return UUID(str(item["prefect.resource.id"]).rpartition(".")[2])
        except ValueError:
            return None
    return None


def _keep(memory: OrderedDict[UUID, Any], key: UUID, value: Any) -> None:
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
