"""A21 and C13: the credential is nowhere but in the request; a poison record does not hold up the others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.emit_runs import end_senders, environment, python, run, wait_until
from fixtures.ingest_stub import IngestStub
from lineage.emit import dead, stored
from lineage.emit.lease import holder

TOKEN = "canary-token-5f2a9c"
PASSWORD = "canary-password-77aa01"


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


@pytest.mark.full
def test_the_credential_is_in_no_file_no_process_list_and_no_message(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    url = stub.url.replace("http://", f"http://ana:{PASSWORD}@")
    env = environment(spool, url, LINEAGE_TOKEN=TOKEN, LINEAGE_DEBUG="1", LINEAGE_SENDER_IDLE="20")
    process = python(
        "emitter.emit(event(1)); print('up', flush=True); sys.stdin.readline()", env, stdin=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert stub.wait_for(1) == 1
    sender = holder(str(spool), stub.url)
    assert sender is not None
    seen = [Path(f"/proc/{sender}/{name}").read_bytes() for name in ("cmdline", "environ")]
    seen += [path.read_bytes() for path in spool.rglob("*") if path.is_file()]
    out, err = process.communicate("\n")
    seen += [out.encode(), err.encode()]
    end_senders(spool, stub.url)
    assert stub.requests[0].authorization == f"Bearer {TOKEN}"
    assert len(seen) >= 5
    for content in seen:
        assert TOKEN.encode() not in content
        assert PASSWORD.encode() not in content


@pytest.mark.full
def test_the_sender_has_its_own_session_and_none_of_its_parents_descriptors(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    canary = tmp_path / "held-open"
    program = f"""
kept = os.open({str(canary)!r}, os.O_CREAT | os.O_WRONLY); os.set_inheritable(kept, True)
emitter.emit(event(1)); print("up", flush=True); sys.stdin.readline()
"""
    process = python(program, environment(spool, stub.url, LINEAGE_SENDER_IDLE="20"), stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    assert stub.wait_for(1) == 1
    sender = holder(str(spool), stub.url)
    assert sender is not None
    held = {os.readlink(link) for link in Path(f"/proc/{sender}/fd").iterdir() if link.is_symlink()}
    assert str(canary) not in held
    assert not any(target.startswith("pipe:") for target in held)
    assert os.getsid(sender) != os.getsid(process.pid)
    assert os.getpgid(sender) != os.getpgid(process.pid)
    assert Path(f"/proc/{sender}/cwd").readlink() == Path("/")
    process.communicate("\n")
    assert holder(str(spool), stub.url) == sender
    end_senders(spool, stub.url)


@pytest.mark.full
def test_the_sender_ends_when_idle_and_a_new_one_starts_for_new_records(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    program = """
for line in sys.stdin:
    emitter.emit(event(int(line)))
    print(line, end="", flush=True)
"""
    process = python(program, environment(spool, stub.url, LINEAGE_SENDER_IDLE="0.3"), stdin=subprocess.PIPE)
    assert process.stdin is not None
    for number in (1, 2):
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        assert stub.wait_for(number) == number
        assert wait_until(lambda: holder(str(spool), stub.url) is None, 20)
    process.communicate()
    assert process.returncode == 0
    end_senders(spool, stub.url)


@pytest.mark.full
def test_without_the_right_to_start_processes_a_thread_delivers(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    program = """
sys.executable = "/bin/false"
for i in range(50): emitter.emit(event(i))
print(emitter.drain(20))
"""
    done = run(program, environment(spool, stub.url))
    assert (done.returncode, done.stdout, done.stderr) == (0, "Drained(left=0, reason=None)\n", "")
    assert stub.stored() == 50


@pytest.mark.full
def test_a_poison_record_first_in_the_queue_holds_nobody_up(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    stub.refuse = lambda line: 422 if line["event"].get("poison") else None
    program = "emitter.emit(event(0, poison=True))\nfor i in range(1, 200): emitter.emit(event(i))\n"
    assert run(program, environment(spool, stub.url)).returncode == 0
    assert stub.wait_for(199, 60) == 199
    assert wait_until(lambda: stored.segments(str(spool))[0] == [], 20)
    (letter,) = dead.letters(str(spool))
    assert letter.reason == {"title": "refused", "status": 422}
    stub.refuse = lambda line: None
    assert dead.retry(str(spool)) == 1
    end_senders(spool, stub.url)
    assert run("emitter.emit(event(1))", environment(spool, stub.url)).returncode == 0
    assert stub.wait_for(201) == 201
    assert wait_until(lambda: dead.letters(str(spool)) == [], 5)
    end_senders(spool, stub.url)


@pytest.mark.full
def test_any_openlineage_producer_uses_the_spool_by_one_variable(stub: IngestStub, tmp_path: Path) -> None:
    program = """
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import parent_run
client = OpenLineageClient()
run = "0196c0de-0000-7000-8000-000000000001"
for state in (RunState.START, RunState.COMPLETE):
    client.emit(RunEvent(eventTime="2026-11-23T10:00:00Z", run=Run(run), job=Job("ns", "job"), eventType=state,
    producer="p"))
print(client.transport.close(5))
"""
    env = environment(
        tmp_path / "spool", stub.url, OPENLINEAGE__TRANSPORT__TYPE="lineage.emit.transport.SpoolTransport"
    )
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
    assert stub.wait_for(2) == 2
    assert [body["eventType"] for body in stub.events()] == ["START", "COMPLETE"]
    end_senders(tmp_path / "spool", stub.url)
