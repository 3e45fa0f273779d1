"""C17: secrets planted in everything that is captured; none of them leaves the process.

A real program, in a real repository with uncommitted changes, on a real spool; then every byte that it left behind,
and what it said on stderr, is searched for each of the secrets.
"""

from __future__ import annotations

import base64
import json
import random
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fixtures.emit_runs import environment, records
from scale import count

Rng = random.Random
_ALNUM = string.ascii_letters + string.digits


def _some(rng: Rng, length: int, alphabet: str = _ALNUM) -> str:
    """Random characters, at least one of them a digit."""
    text = "".join(rng.choices(alphabet, k=length - 1)) + rng.choice("23456789")
    return text


def _hex(rng: Rng, length: int) -> str:
    return "".join(rng.choices("0123456789abcdef", k=length))


# kind → (name it goes under, the secret, the text it usually stands in)
KINDS: dict[str, tuple[str, Callable[[Rng], str], str]] = {
    "password": ("db_password", lambda r: _some(r, 14), "password={}"),
    "userinfo": ("connection_string", lambda r: _some(r, 14), "postgresql://ana:{}@db.internal:5432/shop"),
    "aws_id": (
        "aws_access_key",
        lambda r: "AKIA" + _some(r, 16, string.ascii_uppercase + string.digits),
        "using {} for s3",
    ),
    "aws_secret": ("aws_secret_access_key", lambda r: _some(r, 40), "aws_secret_access_key = {}"),
    "github": ("github_token", lambda r: "ghp_" + _some(r, 36), "pushing with {}"),
    "github_fine": ("gh_token", lambda r: "github_pat_" + _some(r, 60), "pushing with {}"),
    "gitlab": ("gitlab_token", lambda r: "glpat-" + _some(r, 20), "pulling with {}"),
    "slack": ("slack_token", lambda r: f"xoxb-{_some(r, 12, string.digits)}-{_some(r, 24)}", "posting with {}"),
    "openai": ("openai_api_key", lambda r: "sk-proj-" + _some(r, 40), "asking with {}"),
    "anthropic": ("anthropic_api_key", lambda r: "sk-ant-api03-" + _some(r, 60), "asking with {}"),
    "google": ("google_api_key", lambda r: "AIza" + _some(r, 35), "https://maps.example.org/api?key={}"),
    "azure": (
        "account_key",
        lambda r: _some(r, 60) + "==",
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};X=y",
    ),
    "azure_sas": ("sas_token", lambda r: _some(r, 40), "https://a.blob.core.windows.net/c/b?sv=2024&sig={}"),
    "huggingface": ("hf_token", lambda r: "hf_" + _some(r, 34), "downloading with {}"),
    "stripe": ("stripe_secret", lambda r: "sk_live_" + _some(r, 24), "charging with {}"),
    "jwt": ("id_token", lambda r: f"eyJ{_some(r, 30)}.eyJ{_some(r, 60)}.{_some(r, 40)}", "signed in as {}"),
    "pem": (
        "private_key",
        lambda r: f"{_some(r, 64)}",
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    ),
    "npm": ("npm_token", lambda r: "npm_" + _some(r, 36), "publishing with {}"),
    "pypi": ("pypi_token", lambda r: "pypi-AgEIcHlwaS5vcmc" + _some(r, 60), "publishing with {}"),
    "bearer": ("authorization", lambda r: _some(r, 32), "Authorization: Bearer {}"),
    "basic": ("auth_token", lambda r: base64.b64encode(_some(r, 18).encode()).decode(), "authorization: Basic {}"),
    "cookie": ("session_cookie", lambda r: _some(r, 32), "{{'Cookie': 'sid={}; theme=dark'}}"),
    "api_key": ("api_key", lambda r: _hex(r, 32), '{{"api_key": "{}"}}'),
    "signature": (
        "signature",
        lambda r: _hex(r, 64),
        "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature={}&z=1",
    ),
    "env_dump": (
        "secret_key",
        lambda r: _some(r, 30),
        "environ({{'HOME': '/root', 'DJANGO_SECRET_KEY': '{}', 'A': '1'}})",
    ),
}

CHANNELS = ("param", "param_text", "argument", "tag", "error", "check", "dataset", "code")

PROGRAM = """
import json, sys
import lineage
from lineage import Dataset, log_check, log_deployment, log_input, log_output, log_param, tag, tracked_task

planted = json.load(sys.stdin)

for item in planted["param"]:
    with lineage.run("param"):
        log_param(item["name"], item["secret"])
for item in planted["param_text"]:
    with lineage.run("param_text"):
        log_param("note", item["text"])
        log_param("nested", {"config": {item["name"]: item["secret"]}, "list": [item["text"]]})

@tracked_task
def argument(note, options, marker):
    return len(note)

for item in planted["argument"]:
    argument(item["text"], {item["name"]: item["secret"]}, "kept-argument")
for item in planted["tag"]:
    with lineage.run("tag"):
        tag(item["name"], item["secret"])
        tag("note", item["text"])

@tracked_task
def failing(text):
    raise RuntimeError("kept-error " + text)

for item in planted["error"]:
    try:
        failing(item["text"])
    except RuntimeError:
        pass
for item in planted["check"]:
    with lineage.run("check"):
        log_check("kept-check", False, expected=item["text"], actual={item["name"]: item["secret"]})
        log_deployment("churn", "production", endpoint="https://svc:" + item["secret"] + "@host/score")
for item in planted["dataset"]:
    with lineage.run("dataset"):
        log_input(Dataset("postgresql://ana:" + item["secret"].replace("/", "%2F") + "@host/db", "public.kept_users"))
        log_input(Dataset("s3://kept-bucket/raw.csv", description=item["text"]))
        log_output(Dataset("https://ana:" + item["secret"] + "@host.example.org/out.csv?token=" + item["secret"]))
"""


def _plant(rng: Rng) -> dict[str, list[dict[str, str]]]:
    planted: dict[str, list[dict[str, str]]] = {channel: [] for channel in CHANNELS}
    for name, make, frame in KINDS.values():
        for channel in CHANNELS:
            secret = make(rng)
            planted[channel].append({"name": name, "secret": secret, "text": frame.format(secret)})
    return planted


def _repository(folder: Path, items: list[dict[str, str]], remote_secret: str) -> None:
    """A repository whose committed program differs from the one that runs, by lines that hold secrets."""
    git = [
        "git",
        "-C",
        str(folder),
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "init.defaultBranch=main",
    ]
    (folder / "train.py").write_text("print('old')\n")
    remote = f"https://ana:{remote_secret}@example.org/kept/repository.git"
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["remote", "add", "origin", remote]):
        subprocess.run([*git, *step], check=True, capture_output=True)
    tracked, untracked = items[: len(items) // 2], items[len(items) // 2 :]
    literals = "".join(f"{item['name'].upper()}_{i} = {item['secret']!r}\n" for i, item in enumerate(tracked))
    comments = "".join(f"# {line}\n" for item in tracked for line in item["text"].splitlines()[:1])
    (folder / "train.py").write_text(f"KEPT_CODE = 1\n{literals}{comments}{PROGRAM}")
    (folder / "settings.py").write_text(
        "".join(f"{i['name']} = {i['secret']!r}\n# {i['text'].splitlines()[0]}\n" for i in untracked)
    )
    (folder / ".env").write_text("".join(f"{item['name'].upper()}={item['secret']}\n" for item in items))


def test_none_of_two_hundred_planted_secrets_leaves_the_process(tmp_path: Path) -> None:
    total = count("C17", ci=len(KINDS) * len(CHANNELS), soak=len(KINDS) * len(CHANNELS))
    assert total == 200
    rng = random.Random("C17")
    planted = _plant(rng)
    work = tmp_path / "work"
    work.mkdir()
    remote_secret, ambient = _some(rng, 20), [_some(rng, 24) for _ in range(20)]
    _repository(work, planted["code"], remote_secret)
    spool = tmp_path / "spool"
    env = (
        environment(spool)
        | {f"SERVICE_{i}_SECRET": secret for i, secret in enumerate(ambient)}
        | {"HOME": str(tmp_path)}
    )

    done = subprocess.run(
        [sys.executable, "train.py", f"--password={ambient[0]}"],
        cwd=work,
        env=env,
        input=json.dumps(planted),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    sent = [json.loads(record.payload) for _, record in records(spool)]
    left = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    left = {name: data for name, data in left.items() if not name.startswith("work")}
    left["stderr"] = done.stderr.encode()
    left["events, decoded"] = json.dumps(sent, ensure_ascii=False).encode()

    text = left["events, decoded"].decode()
    for kept in (
        "kept-argument",
        "kept-error",
        "kept-check",
        "kept_users",
        "kept-bucket",
        "KEPT_CODE",
        "kept/repository",
    ):
        assert kept in text, f"{kept} was not captured, so its channel proves nothing"
    assert {"param", "param_text", "argument", "tag", "failing", "check", "dataset"} <= {e["job"]["name"] for e in sent}

    secrets = {item["secret"]: channel for channel, items in planted.items() for item in items}
    secrets |= {remote_secret: "git remote"} | dict.fromkeys(ambient, "environment variable")
    assert len(secrets) == 200 + 21
    found = [
        f"{channel}: {secret} in {place}"
        for secret, channel in secrets.items()
        for place, data in left.items()
        if secret.encode() in data
    ]
    assert found == []


def test_the_searcher_would_see_a_secret_that_leaves(tmp_path: Path) -> None:
    """The same road with a value that is no secret: it does arrive, so the search above can fail."""
    spool = tmp_path / "spool"
    source = "import lineage\nwith lineage.run('r'):\n    lineage.log_param('note', 'plain-canary-8213')\n"
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment(spool), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert b"plain-canary-8213" in b"".join(path.read_bytes() for path in spool.rglob("*") if path.is_file())
