"""C7: connections that break in every way, and answers that ask to wait: nothing lost, nothing twice."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from fixtures.emit_runs import event
from fixtures.fault_proxy import Fault, FaultProxy, refused_port
from fixtures.ingest_stub import IngestStub, Scripted
from lineage.emit import dead
from lineage.emit.delivery import Delivery
from lineage.emit.payload import encode
from lineage.emit.spool import Spool
from lineage.emit.wire import Poster
from scale import count, seeded

RECORDS = 40
BROKEN = [fault for fault in Fault if fault is not Fault.PASS]


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


@pytest.fixture
def proxy(stub: IngestStub) -> Iterator[FaultProxy]:
    with FaultProxy(stub.port) as running:
        yield running


def fill(root: Path, records: int = RECORDS) -> None:
    spool = Spool([str(root)], project="a/b", destination="local", segment_bytes=8_000)
    for number in range(records):
        spool.append(encode(event(number), 1 << 20))
    spool.seal()


def deliver(root: Path, url: str, *, request_seconds: float = 0.5, seconds: float = 60.0) -> Delivery:
    """Deliver to the end, with requests that are given up soon."""
    with Poster(url, lambda: None, request_seconds=request_seconds) as poster:
        delivery = Delivery(str(root), poster, destinations=None)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            outcome = delivery.round(deadline)
            if not outcome.moved and not outcome.pause:
                break
            time.sleep(0 if outcome.moved else outcome.pause)
        return delivery


def check(stub: IngestStub, records: int = RECORDS) -> None:
    assert Counter(body["number"] for body in stub.events()) == Counter(range(records))


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_connection_loses_nothing_and_repeats_nothing(
    fault: Fault, stub: IngestStub, proxy: FaultProxy, tmp_path: Path
) -> None:
    fill(tmp_path / "spool")
    proxy.plan.extend([fault, fault])
    delivery = deliver(tmp_path / "spool", proxy.url)
    check(stub)
    assert proxy.seen[:2] == [fault, fault]
    assert delivery.report.delivered == RECORDS
    assert delivery.left() == 0
    assert dead.letters(str(tmp_path / "spool")) == []
    if fault is Fault.RESET_AFTER_COMMIT:
        assert stub.duplicates >= RECORDS


@pytest.mark.parametrize("fault", [Fault.DRIP_HEADERS, Fault.DRIP_BODY, Fault.BLACKHOLE, Fault.HALF_OPEN])
def test_a_request_ends_in_time_however_slowly_the_answer_drips(
    fault: Fault, stub: IngestStub, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.plan.append(fault)
    with Poster(proxy.url, lambda: None, request_seconds=1.0) as poster:
        started = time.monotonic()
        answer = poster.post("a/b", [b'{"client":"c","sequence":1,"project":"a/b","event":{}}'])
        assert time.monotonic() - started < 2.0
        assert answer.status == 0
        again = poster.post("a/b", [b'{"client":"c","sequence":1,"project":"a/b","event":{}}'])
        assert [item.status for item in again.items.values()] in ([200], [201])


def test_a_second_request_on_the_same_connection_is_cut_off_as_well(stub: IngestStub, proxy: FaultProxy) -> None:
    line = b'{"client":"c","sequence":%d,"project":"a/b","event":{}}'
    proxy.plan.extend([Fault.PASS, Fault.DRIP_HEADERS])
    with Poster(proxy.url, lambda: None, request_seconds=1.0) as poster:
        assert poster.post("a/b", [line % 1]).status == 207
        started = time.monotonic()
        assert poster.post("a/b", [line % 2]).status == 0
        assert time.monotonic() - started < 2.0


@pytest.mark.full
def test_any_sequence_of_faults_ends_with_everything_delivered_once(
    stub: IngestStub, proxy: FaultProxy, tmp_path: Path
) -> None:
    rng = seeded("C7")
    rounds = count("C7 sequences", ci=8, soak=200)
    for number in range(rounds):
        root = tmp_path / f"spool{number}"
        fill(root)
        proxy.plan.extend(rng.choices(list(Fault), k=3))
        before = stub.stored()
        deliver(root, proxy.url, request_seconds=0.3)
        proxy.plan.clear()
        assert stub.stored() - before == RECORDS


def test_nobody_listening_and_a_name_that_does_not_exist_keep_the_records(stub: IngestStub, tmp_path: Path) -> None:
    fill(tmp_path / "spool")
    for url in (f"http://127.0.0.1:{refused_port()}", "http://no-such-host.invalid"):
        delivery = deliver(tmp_path / "spool", url, seconds=0.5)
        assert delivery.report.delivered == 0
        assert delivery.left() == RECORDS
    deliver(tmp_path / "spool", stub.url)
    check(stub)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(status: int, form: str, stub: IngestStub, tmp_path: Path) -> None:
    fill(tmp_path / "spool")
    wish = 1.0
    text = "1" if form == "seconds" else formatdate(time.time() + wish + 1, usegmt=True)
    stub.script.append(Scripted(status, {"Retry-After": text}))
    deliver(tmp_path / "spool", stub.url)
    first, second = (request.at for request in stub.requests[:2])
    earliest = wish if form == "seconds" else wish - 0.1  # a date has whole seconds
    assert earliest <= second - first <= (wish + 1) * 1.1 + 1.0
    check(stub)


@pytest.mark.parametrize("text", ["garbage", "-3", "1e9", "\x80"])
def test_a_garbled_retry_after_falls_back_to_ordinary_waiting(text: str, stub: IngestStub, tmp_path: Path) -> None:
    fill(tmp_path / "spool")
    stub.script.append(Scripted(503, {"Retry-After": text}))
    deliver(tmp_path / "spool", stub.url)
    first, second = (request.at for request in stub.requests[:2])
    assert second - first < 5.0
    check(stub)


def test_a_connection_cut_inside_the_tls_handshake_keeps_the_records(tmp_path: Path) -> None:
    fill(tmp_path / "spool")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def cut() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(20)
                connection.close()

        thread = threading.Thread(target=cut, daemon=True)
        thread.start()
        delivery = deliver(tmp_path / "spool", f"https://127.0.0.1:{listener.getsockname()[1]}", seconds=0.5)
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert delivery.left() == RECORDS


def test_an_untrusted_certificate_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    fill(tmp_path / "spool")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    with context.wrap_socket(connection, server_side=True) as secure:
                        received.append(secure.recv(100))
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        delivery = deliver(tmp_path / "spool", f"https://localhost:{listener.getsockname()[1]}", seconds=0.5)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    assert received == []
    assert delivery.left() == RECORDS
