"""One tracked call: what the decorators do before, around and after the user's function.

Owns the specification a decorator was given and the three moments of a call (`begin`, then `complete` or `fail`),
each guarded, so that wrappers in `decorators` hold nothing but the user's call. Runs themselves are `runs`'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import CodeType
from typing import Any, Generic, ParamSpec, TypeVar

from lineage import active, arguments, diagnostics, handover, mentions, orchestrator, settings, streams
from lineage.arguments import Declared, Signature
from lineage.events import DatasetEntry, now_text
from lineage.guard import guarded
from lineage.runs import Kind, Run
from lineage.typed import Typed

P = ParamSpec("P")
T = TypeVar("T")


class Call:
    """A call in progress: its run, and what has to be said when it ends.

    An interrupt (Ctrl-C) may come between any two steps of it: none leaves the run behind as the current one.
    """

    __slots__ = ("before", "code", "outputs", "run")

    def __init__(self, run: Run, before: Run | None, outputs: list[Any], code: CodeType | None) -> None:
        self.run = run
        self.before = before
        self.outputs = outputs
        self.code = code

    def enter(self) -> None:
        """The function is about to be called."""
        active.enter(self.run)

    @guarded
    def complete(self, result: Any) -> None:
        """The function returned `result`."""
        active.enter(self.before)
        at = now_text()
        run = self.run
        inputs: list[DatasetEntry] = []
        outputs: list[DatasetEntry] = []
        if result is not None:
            inputs, outputs = _returned(run, result, self.code) or ([], [])
        if self.outputs:
            outputs += mentions.mentions(run, self.outputs)
        outputs += _made(run) or []
        run.end(None, inputs, outputs, at=at)

    @guarded
    def fail(self, error: BaseException) -> None:
        """The function raised `error`."""
        active.enter(self.before)
        self.run.end(error)

    @guarded
    def leave(self) -> None:
        """The wrapper ends; of a run whose end was interrupted itself, nothing stays behind in here."""
        if not self.run.over:
            active.enter(self.before)
            active.closed(self.run)

    def suspend(self) -> None:
        """The consumer of a generator goes on: its code is not part of the run."""
        active.enter(self.before)

    def resume(self) -> None:
        """A generator goes on; its consumer may be in another run by now."""
        self.before = active.entered()
        active.enter(self.run)

    @guarded
    def yielded(self, value: Any) -> None:
        """A generator has yielded `value`."""
        if value is not None:
            handover.stream_output(self.run, value)

    @guarded
    def exhausted(self, error: BaseException | None, streamed: bool) -> None:
        """A generator is at its end, or raised `error`; closing it is how a consumer says that it has enough."""
        outputs = [handover.stream_entry(self.run)] if streamed else []
        closed = isinstance(error, GeneratorExit)
        if error is None or closed:
            outputs += mentions.mentions(self.run, self.outputs)
        self.run.end(None if closed else error, (), outputs, outcome="closed" if closed else None)


class Untracked:
    """Stands for the call where nothing is recorded, or nothing yet."""

    __slots__ = ()
    run = None

    def enter(self) -> None:
        """Nothing."""

    def complete(self, result: Any) -> None:
        """Nothing."""

    def fail(self, error: BaseException) -> None:
        """Nothing."""

    def leave(self) -> None:
        """Nothing."""

    def suspend(self) -> None:
        """Nothing."""

    def resume(self) -> None:
        """Nothing."""

    def yielded(self, value: Any) -> None:
        """Nothing."""

    def exhausted(self, error: BaseException | None, streamed: bool) -> None:
        """Nothing."""


UNTRACKED = Untracked()


@guarded
def _returned(run: Run, result: Any, code: CodeType | None) -> tuple[list[DatasetEntry], list[DatasetEntry]]:
    """Entries for a returned value: what other runs it comes from, and itself."""
    seed = None if run.seeded else arguments.open_seed_of(result)
    if seed is not None:
        run.lacks("seed", f"{seed} not set")
    inputs = _passed({"return": result}, run.id, run.known_inputs) or []
    if run.itself and run.place is not None and run.place.returned is not None:
        return inputs, run.place.returned(result)
    return inputs, handover.outputs(run, result, code)


@guarded
def _received(run: Run) -> list[DatasetEntry]:
    """Entries for what the orchestrator gave its own run."""
    return run.place.received() if run.itself and run.place is not None and run.place.received is not None else []


@guarded
def _made(run: Run) -> list[DatasetEntry]:
    """Entries for what the orchestrator says that its own run has written."""
    return run.place.made() if run.itself and run.place is not None and run.place.made is not None else []


# Guarded one by one: what one of them cannot read must not cost the run.
_parameters = guarded(arguments.parameters)
_passed = guarded(handover.inputs)
_handed = guarded(handover.handed)
_streamed = guarded(streams.inputs)


class Tracked(Generic[P, T]):
    """A function as it was decorated.

    Args:
        fn: the user's function.
        name: name of the job within its flow; default the function's.
        kind: task, flow or side_effect.
        inputs: datasets it reads: a list, or a function of the call's arguments.
        outputs: datasets it writes, likewise.
        params: names of the arguments to record; default all scalars.
    """

    def __init__(
        self,
        fn: Callable[P, T],
        *,
        name: str | None,
        kind: Kind,
        inputs: Declared,
        outputs: Declared,
        params: Collection[str] | None,
    ) -> None:
        inner: Any = getattr(fn, "func", fn)
        qualname = str(getattr(fn, "__qualname__", None) or getattr(inner, "__qualname__", type(fn).__name__))
        self.name = name or qualname.rpartition("<locals>.")[2]
        self.function = f"{orchestrator.module_name(inner) or '?'}:{qualname}"
        self.code: CodeType | None = getattr(inner, "__code__", None)
        self.kind: Kind = kind
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self.fn = fn
        self._signature: Signature | None = None

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, stream: bool = False) -> Call | Untracked:
        """Start a run for a call, of a generator function if `stream`; it is not the current one until entered."""
        if settings.current().disabled:
            return UNTRACKED
        call = self._begin_stream(args, kwargs) if stream else self._begin(args, kwargs, active.current())
        return call or UNTRACKED

    @guarded
    def _begin_stream(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        claim = streams.claimed(kwargs)
        if claim is None:
            return self._begin(args, kwargs, active.current())
        call = self._begin(args, kwargs, claim.parent)
        if call is not None:
            streams.begun(claim, call.run)
        return call

    @guarded
    def _begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], parent: Run | None) -> Call:
        signature = self._signature
        if signature is None:
            signature = self._signature = Signature(self.fn)
        place, itself = orchestrator.surroundings(self.fn, parent)
        run = Run(self.name, self.kind, parent=parent, function=self.function, place=place, itself=itself)
        bound = signature.bind(args, kwargs)
        parameters: dict[str, Typed] = {}
        inputs: list[DatasetEntry] = []
        outputs: list[Any] = []
        if bound:
            parameters = _parameters(bound, signature, self.params) or {}
            said = place.handed if place is not None and itself else {}
            inputs = _passed(bound, run.id, run.known_inputs, said) or []
            inputs += _streamed(bound, run) or []
            if said:
                inputs += _handed(said, bound, run.known_inputs) or []
            run.seeded = arguments.fixed_seeds(bound)
            run.stamps = arguments.stamps(bound)
            for name in arguments.open_seeds(bound):
                run.lacks("seed", f"{name} not set")
        inputs += _received(run) or []
        if self.inputs is not None:
            inputs += mentions.mentions(run, self._declared("inputs", self.inputs, bound))
        if self.outputs is not None:
            outputs = self._declared("outputs", self.outputs, bound)
        try:
            run.begin(parameters, inputs)
            return Call(run, active.entered(), outputs, self.code)
        except KeyboardInterrupt as interrupt:
            run.end(interrupt)
            raise

    def _declared(self, side: str, choice: Declared, bound: Mapping[str, Any]) -> list[Any]:
        try:
            return arguments.declared(choice, bound)
        except Exception as error:
            diagnostics.warn_once(
                f"{side}:{self.function}", f"{self.function}: {side}= could not be worked out for this call: {error!r}"
            )
            return []
