"""The reading side's HTTP client: one project of one service, asked and answered in plain dictionaries.

Owns requests under `/api/v1`, paging, and the translation of failures into errors that say what to do next. Does not
find or start the service (`cli.connection`), send events on behalf of a task (`emit`), or render anything (`cli`).

ServiceUnavailable   nothing answers at the address (from `lineage.errors`)
└── BadAnswer        what answers is not this service, or is broken
ServiceRefused       the service answered with a problem (from `lineage.errors`)
├── NotAllowed       401, 403
├── NotFound         404
└── Ambiguous        a reference fits several things; carries the candidates
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from lineage.errors import ServiceRefused, ServiceUnavailable
from lineage.refs import BadRef, DatasetRef, ModelRef, NodeRef, Ref, SubjectRef

if TYPE_CHECKING:
    import httpx2

API = "/api/v1"
_POLL_SECONDS = 0.02
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
Json = dict[str, Any]


class BadAnswer(ServiceUnavailable):
    """The answer is not one this client understands."""


class NotAllowed(ServiceRefused):
    """The token is missing, wrong, or may not do this."""


class NotFound(ServiceRefused):
    """There is no such thing in this project."""


class Ambiguous(ServiceRefused):
    """A reference fits several things; `candidates` are what it may mean, as `/resolve` lists them."""

    def __init__(self, problem: Json) -> None:
        super().__init__(409, problem)
        self.candidates: list[Json] = list(problem.get("candidates") or ())


class Client:
    """Questions to one project of a service.

    Args:
        url: address of the service, for example `http://127.0.0.1:7070`.
        token: credential, or None.
        project: `workspace/project`.
        timeout: seconds for one request.

    Every method returns the decoded body, and raises `ServiceUnavailable` or `ServiceRefused`.
    """

    def __init__(
        self, url: str, token: str | None = None, project: str = "default/default", *, timeout: float = 30.0
    ) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ServiceUnavailable(
                f"{url!r} is not an http(s) address; set LINEAGE_URL to one like http://127.0.0.1:7070"
            )
        self.url = url.rstrip("/")
        self.project = project
        self._token = token
        self._timeout = timeout
        self._http: httpx2.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def get(self, path: str, **params: Any) -> Json:
        """GET a route under `/api/v1`; parameters that are None are left out."""
        return self._request("GET", path, params=_present(params))

    def post(self, path: str, body: Any, **params: Any) -> Json:
        """POST a JSON body to a route under `/api/v1`."""
        return self._request("POST", path, params=_present(params), json=body)

    def items(self, path: str, *, limit: int | None = None, **params: Any) -> Iterator[Json]:
        """The items of a list route, page after page, at most `limit` of them."""
        left, cursor = limit, None
        while left is None or left > 0:
            size = 200 if left is None else min(left, 1000)
            page = self.get(path, limit=size, cursor=cursor, **params)
            found = page.get("items", [])
            yield from found if left is None else found[:left]
            left = None if left is None else left - len(found)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def runs(self, *, limit: int = 50, cursor: str | None = None, **filters: Any) -> Json:
        """A page of runs, newest first."""
        return self.get("/runs", limit=limit, cursor=cursor, **filters)

    def candidates(self, ref: Ref) -> list[Json]:
        """Everything `ref` can mean, best first."""
        found: list[Json] = self.get("/resolve", **_resolve_params(ref))["candidates"]
        return found

    def resolve(self, ref: Ref) -> Json:
        """The one thing `ref` means.

        Raises:
            NotFound: nothing fits.
            Ambiguous: several do.
        """
        found = self.candidates(ref)
        if not found:
            raise NotFound(404, {"title": "nothing fits", "detail": _nothing_fits(ref, self.project)})
        if len(found) > 1:
            raise Ambiguous(
                {
                    "title": "several things fit",
                    "detail": f"{ref} fits {len(found)} things: name one of them",
                    "candidates": found,
                }
            )
        return found[0]

    def node(self, node_id: str) -> Json:
        """Everything the graph says about one node."""
        return self.get(f"/nodes/{quote(node_id, safe='')}")

    def run(self, run: str) -> Json:
        """One run, by node id, run id, or a unique prefix of it."""
        return self.get(f"/runs/{quote(run, safe='')}")

    def lineage(self, root: str, **params: Any) -> Json:
        """The neighbourhood of `root`: nodes, edges, hidden, completeness, as_of, next_cursor."""
        return self.get("/lineage", root=root, **params)

    def origins(self, name: str, version: str | None = None) -> Json:
        """Where a model version comes from; `version` as `ModelRef` spells it, None for the newest."""
        return self.get("/models/origins", name=name, version=version)

    def impact(self, root: str, **params: Any) -> Json:
        """What was made from `root`."""
        return self.get("/impact", root=root, **params)

    def check_policy(self, ref: NodeRef | ModelRef, rules: Sequence[str] | None = None) -> Json:
        """Whether the ancestry of a model version (or of a node by its whole id) passes the rules."""
        named = {"root": ref.id} if isinstance(ref, NodeRef) else {"model": ref.name, "version": ref.version}
        return self.post("/policy/check", _present({**named, "rules": rules}))

    def send_event(self, event: Mapping[str, Any]) -> Json:
        """Hand in one OpenLineage event and wait until questions see it."""
        return self.post("/lineage", event, wait="projected")

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until questions see everything the service has taken in by now; whether they did in time."""
        deadline = time.monotonic() + seconds
        target: int | None = None
        while True:
            try:
                state = self._request("GET", f"{self.url}/readyz")
            except ServiceRefused:
                return False  # it is not ready: the next question says why
            target = state["journalled"] if target is None else target
            if state["projected"] >= target:
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)

    def _request(self, method: str, path: str, **arguments: Any) -> Json:
        import httpx2

        http = self._http
        if http is None:
            headers = {"Lineage-Project": self.project, "Accept": "application/json"}
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            # A proxy in the environment is for other hosts than this one.
            proxied = urlsplit(self.url).hostname not in _LOOPBACK
            http = self._http = httpx2.Client(
                base_url=self.url + API, headers=headers, timeout=self._timeout, trust_env=proxied
            )
        try:
            answer = http.request(method, path, **arguments)
        except httpx2.TimeoutException:
            raise ServiceUnavailable(
                f"{self.url} did not answer within {self._timeout:g} s; look at {self.url}/readyz, or ask for less "
                "(--depth, --limit)"
            ) from None
        except httpx2.HTTPError as error:
            raise ServiceUnavailable(
                f"no service answers at {self.url} ({error}); check LINEAGE_URL, or start one: lineage server"
            ) from None
        return self._body(answer)

    def _body(self, answer: httpx2.Response) -> Json:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.is_success and isinstance(body, dict):
            return body
        # "Not Found" is the word of a web framework for an address it has no route for, never of a route.
        no_route = isinstance(body, dict) and body.get("detail") == "Not Found"
        if not isinstance(body, dict) or "title" not in body or (no_route and urlsplit(self.url).path):
            raise BadAnswer(
                f"LINEAGE_URL answers, but it is no weftline service: {self.url} said {answer.status_code} to a "
                "question every service knows; give the address alone, without a path"
            )
        if answer.status_code == 409 and "candidates" in body:
            raise Ambiguous(body)
        if answer.status_code in (401, 403):
            raise NotAllowed(answer.status_code, body)
        if answer.status_code == 404 and not no_route:
            raise NotFound(404, body)
        raise ServiceRefused(answer.status_code, body)


def _present(params: Mapping[str, Any]) -> Json:
    return {name: value for name, value in params.items() if value is not None}


def _resolve_params(ref: Ref) -> Json:
    match ref:
        case NodeRef():
            return {"id": ref.id}
        case ModelRef():
            return _present({"kind": "model", "name": ref.name, "version": ref.version})
        case DatasetRef():
            return _present({"kind": "dataset", "namespace": ref.namespace, "name": ref.name, "version": ref.version})
        case SubjectRef():
            raise BadRef("subject: references are not answered by this version; name the dataset instead")
        case _:
            return {"name": ref.word}


def _nothing_fits(ref: Ref, project: str) -> str:
    return f"nothing in {project} is called {ref}; see lineage runs, lineage models list, or another --project"
