"""Settings follow the environment and never raise; diagnostics never raise and never flood."""

from __future__ import annotations

import io
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from lineage import diagnostics, settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_seen", set())
    monkeypatch.setattr(diagnostics, "_window", [0.0, 0])


def test_every_knob_fills_a_field_and_every_field_has_a_knob() -> None:
    assert {knob.field for knob in settings.KNOBS} == {field.name for field in fields(settings.Settings)}
    assert all(knob.help for knob in settings.KNOBS)
    assert len({knob.env for knob in settings.KNOBS}) == len(settings.KNOBS)


def test_defaults_need_nothing_in_the_environment() -> None:
    found = settings.from_environment({})
    assert (found.url, found.project, found.namespace) == (None, "default/default", "default")
    assert found.destination == "local"
    assert found.exit_timeout == 5.0
    assert found.spool_dir == found.home / "spool"
    assert found.token() is None


def test_settings_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_PROJECT", "one/first")
    before = settings.current()
    assert before.project == "one/first"
    assert settings.current() is before
    monkeypatch.setenv("LINEAGE_PROJECT", "two/second")
    assert settings.current().project == "two/second"


def test_relative_folders_are_where_they_were_first_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_SPOOL_DIR", "here/spool")
    before = settings.current().spool_dir
    monkeypatch.chdir("/")
    assert settings.current().spool_dir == before == tmp_path / "here" / "spool"


def test_home_may_be_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("LINEAGE_HOME", raising=False)
    assert settings.current().home.is_absolute()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LINEAGE_URL", "localhost:8000"),
        ("LINEAGE_URL", "http://[broken"),
        ("LINEAGE_PROJECT", "no-slash"),
        ("LINEAGE_PROJECT", "a/b/c"),
        ("LINEAGE_EXIT_TIMEOUT", "soon"),
        ("LINEAGE_EXIT_TIMEOUT", "nan"),
        ("LINEAGE_EXIT_TIMEOUT", "-1"),
        ("LINEAGE_SPOOL_BYTES", "2GB"),
        ("LINEAGE_DISABLED", "maybe"),
        ("LINEAGE_HOME", "~nobody-has-this-name/x"),
    ],
)
def test_a_bad_value_gives_one_warning_and_the_default(
    name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [settings.from_environment({name: text}) for _ in range(3)]
    assert found[0] == settings.from_environment({})
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert name in said


def test_a_bad_address_is_not_repeated_because_it_may_hold_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    settings.from_environment({"LINEAGE_URL": "ftp://user:hunter2@host"})
    assert "hunter2" not in capsys.readouterr().err


def test_the_destination_leaves_user_and_password_out() -> None:
    found = settings.from_environment({"LINEAGE_URL": "https://ana:hunter2@lineage.example:8443/base/"})
    assert found.destination == "https://lineage.example:8443/base"
    assert settings.without_userinfo("http://h:1/") == "http://h:1"


def test_the_token_comes_from_the_variable_or_the_file_and_never_prints(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    assert settings.from_environment({"LINEAGE_TOKEN_FILE": str(file)}).token() == "from-file"
    both = settings.from_environment({"LINEAGE_TOKEN_FILE": str(file), "LINEAGE_TOKEN": "from-text"})
    assert both.token() == "from-text"
    assert "from-text" not in repr(both)
    file.write_text("renewed")
    assert settings.from_environment({"LINEAGE_TOKEN_FILE": str(file)}).token() == "renewed"


def test_an_unreadable_token_file_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = settings.from_environment({"LINEAGE_TOKEN_FILE": str(tmp_path / "missing")})
    assert found.token() is None
    assert found.token() is None
    assert capsys.readouterr().err.count("LINEAGE_TOKEN_FILE") == 1


def test_a_warning_is_said_once_with_the_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        diagnostics.warn_once("a", "something is off")
    assert capsys.readouterr().err == "lineage: something is off\n"


def test_a_flood_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1000):
        diagnostics.warn_once(f"code-{number}", "again")
    assert capsys.readouterr().err.count("\n") == 30


def test_reasons_are_said_when_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("LINEAGE_DEBUG", raising=False)
    diagnostics.debug("because")
    monkeypatch.setenv("LINEAGE_DEBUG", "1")
    diagnostics.debug("because of this")
    assert capsys.readouterr().err == "lineage: because of this\n"


def test_nothing_in_a_name_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.say("job \x1b[31mred\x1b[0m\r\nforged line \ud800")
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert said.count("\n") == 1


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise RuntimeError("closed")


@pytest.mark.parametrize("stream", [None, Broken()])
def test_a_missing_or_broken_stderr_is_not_the_tasks_problem(stream: io.StringIO | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        diagnostics.say("nobody hears this")
    assert diagnostics._window[1] == 1
