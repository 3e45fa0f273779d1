"""Autocapture: reads and writes become inputs and outputs of the run, and nothing else about them changes."""

from __future__ import annotations

import builtins
import hashlib
import inspect
import io
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import dataset as arrow_dataset
from pyarrow import feather, parquet

import lineage
from lineage import autocapture
from lineage.capture import observed
from lineage.capture.targets import TARGETS
from lineage.testing import RecordingSink, recording


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's working folder, with data in it, and autocapture on."""
    monkeypatch.setenv("LINEAGE_HOME", str(tmp_path / ".lineage"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    pd.DataFrame({"a": [1, 2, 3]}).to_csv("in.csv", index=False)
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet("in.parquet")
    autocapture()
    yield work
    autocapture.stop()


@pytest.fixture
def lineage_events() -> Iterator[RecordingSink]:
    """The events that the code under test records."""
    with recording() as sink:
        yield sink


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [Path(entry["name"]).name if entry["namespace"] == "file" else entry["name"] for entry in entries]


def seen(sink: RecordingSink) -> tuple[list[str], list[str]]:
    """(inputs, outputs) of the only run."""
    run = sink.runs[0]
    return names(run.inputs), names(run.outputs)


READS: dict[str, Callable[[], object]] = {
    "pandas csv": lambda: pd.read_csv("in.csv"),
    "pandas keyword": lambda: pd.read_csv(filepath_or_buffer="in.csv"),
    "pandas path": lambda: pd.read_parquet(Path("in.parquet")),
    "polars csv": lambda: pl.read_csv("in.csv"),
    "polars lazy": lambda: pl.scan_parquet("in.parquet").collect(),
    "arrow table": lambda: parquet.read_table("in.parquet"),
    "arrow file": lambda: parquet.ParquetFile("in.parquet").read(),
    "arrow csv": lambda: arrow_csv.read_csv("in.csv"),
    "arrow dataset": lambda: arrow_dataset.dataset("in.parquet").to_table(),
    "open": lambda: open("in.csv").close(),
    "binary": lambda: open("in.csv", "rb").close(),
    "path": lambda: Path("in.csv").read_text(),
    "numpy": lambda: np.loadtxt("in.csv", skiprows=1),
    "numpy binary": lambda: np.fromfile("in.csv", dtype="u1"),
    "handle": lambda: pd.read_csv(_closing("in.csv")),
    "file URL": lambda: pd.read_csv(f"file://{Path('in.csv').absolute()}"),
    "list": lambda: pl.scan_csv(["in.csv"]).collect(),
    "glob": lambda: pl.scan_csv("*.csv").collect(),
}

WRITES: dict[str, Callable[[], object]] = {
    "pandas csv": lambda: pd.DataFrame({"a": [1]}).to_csv("out"),
    "pandas parquet": lambda: pd.DataFrame({"a": [1]}).to_parquet(path="out"),
    "pandas pickle": lambda: pd.Series([1]).to_pickle("out"),
    "pandas json": lambda: pd.Series([1]).to_json("out"),
    "polars csv": lambda: pl.DataFrame({"a": [1]}).write_csv("out"),
    "polars parquet": lambda: pl.DataFrame({"a": [1]}).write_parquet(Path("out")),
    "polars sink": lambda: pl.LazyFrame({"a": [1]}).sink_parquet("out"),
    "arrow parquet": lambda: parquet.write_table(pa.table({"a": [1]}), "out"),
    "arrow dataset": lambda: arrow_dataset.write_dataset(pa.table({"a": [1]}), "out", format="parquet"),
    "arrow csv": lambda: arrow_csv.write_csv(pa.table({"a": [1]}), "out"),
    "arrow feather": lambda: feather.write_feather(pa.table({"a": [1]}), "out"),
    "text": lambda: Path("out").write_text("x"),
    "append": lambda: _written("out", "a"),
    "exclusive": lambda: _written("out", "x"),
    "binary first": lambda: _written("out", "bw"),
    "numpy": lambda: np.savetxt("out", np.arange(3)),
    "renamed": lambda: _moved(os.replace),
    "path renamed": lambda: _moved(lambda old, new: Path(old).rename(new)),
}


def _closing(path: str) -> io.StringIO:
    with open(path) as file:
        return io.StringIO(file.read())


def _moved(move: Callable[[str, str], object]) -> None:
    _written("out.tmp", "w")
    move("out.tmp", "out")


def _written(path: str, mode: str) -> None:
    with open(path, mode) as file:
        file.write(b"x" if "b" in mode else "x")


@pytest.mark.parametrize("how", READS)
def test_a_read_is_one_input(how: str, lineage_events: RecordingSink) -> None:
    with lineage.run("load"):
        READS[how]()
    inputs, outputs = seen(lineage_events)
    assert inputs in (["in.csv"], ["in.parquet"])
    assert outputs == []
    entry = lineage_events.runs[0].inputs[0]
    path = Path(entry["name"])
    assert entry["facets"]["weftline_digest"]["value"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("how", WRITES)
def test_a_write_is_one_output_with_the_digest_of_the_end(how: str, lineage_events: RecordingSink) -> None:
    with lineage.run("save"):
        WRITES[how]()
        if how == "append":
            _written("out", "a")
    inputs, outputs = seen(lineage_events)
    assert (inputs, outputs) == ([], ["out"])
    entry = lineage_events.runs[0].outputs[0]
    if Path("out").is_file():
        assert entry["facets"]["weftline_digest"]["value"] == hashlib.sha256(Path("out").read_bytes()).hexdigest()


def test_every_target_exists_in_the_libraries_installed_here() -> None:
    missing = []
    for target in TARGETS:
        owner: Any = sys.modules[target.module]
        owner = getattr(owner, target.owner) if target.owner else owner
        found = getattr(owner, target.name, None)
        if found is None:
            missing.append(f"{target.module}.{target.owner}.{target.name}")
            continue
        try:
            parameters = list(inspect.signature(found).parameters)
        except ValueError:
            continue  # compiled, without a signature
        expected = [target.argument] if parameters[target.position : target.position + 1] != ["args"] else ["args"]
        assert parameters[target.position : target.position + 1] == expected, f"{target.module}.{target.name}"
    assert missing == []


def test_what_a_run_wrote_itself_is_no_input_of_it(lineage_events: RecordingSink) -> None:
    with lineage.run("both"):
        pd.read_csv("in.csv").to_csv("out.csv")
        pd.read_csv("out.csv")
    assert seen(lineage_events) == (["in.csv"], ["out.csv"])


def test_three_functions_with_nothing_declared_share_their_files(lineage_events: RecordingSink) -> None:
    @lineage.tracked_task
    def clean() -> None:
        pd.read_csv("in.csv").to_parquet("clean.parquet")

    @lineage.tracked_task
    def train() -> None:
        pl.read_parquet("clean.parquet").write_ipc("model.arrow")

    clean()
    train()
    one, two = lineage_events.run("clean"), lineage_events.run("train")
    assert (names(one.outputs), names(two.inputs)) == (["clean.parquet"], ["clean.parquet"])
    digests = [entry["facets"]["weftline_digest"]["value"] for entry in (one.outputs[0], two.inputs[0])]
    assert digests[0] == digests[1]


def test_a_file_that_is_changed_in_place_is_input_and_output(lineage_events: RecordingSink) -> None:
    before = hashlib.sha256(Path("in.csv").read_bytes()).hexdigest()
    with lineage.run("edit"), open("in.csv", "r+") as file:
        file.write("b")
    run = lineage_events.runs[0]
    assert seen(lineage_events) == (["in.csv"], ["in.csv"])
    assert run.inputs[0]["facets"]["weftline_digest"]["value"] == before
    assert run.outputs[0]["facets"]["weftline_digest"]["value"] != before


def test_a_failing_run_still_tells_what_it_wrote(lineage_events: RecordingSink) -> None:
    def fail() -> None:
        with lineage.run("fails"):
            _written("out", "w")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen(lineage_events) == ([], ["out"])
    assert lineage_events.runs[0].state == "FAIL"


def test_a_temporary_file_that_is_gone_at_the_end_is_no_output(lineage_events: RecordingSink) -> None:
    with lineage.run("tidy"):
        _written("scratch.csv", "w")
        os.remove("scratch.csv")
    assert seen(lineage_events) == ([], [])


@pytest.mark.parametrize(
    "path",
    [
        "/proc/self/status",
        "/etc/hostname",
        os.__file__,
        pd.__file__,
        ".hidden/a.csv",
        "run.log",
        "module.py",
        "/dev/null",
    ],
)
def test_what_is_not_the_users_data_is_passed_over(path: str, lineage_events: RecordingSink) -> None:
    if not os.path.isabs(path):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text("x")
    with lineage.run("quiet"), open(path, "rb") as file:
        file.read(1)
    assert seen(lineage_events) == ([], [])


def test_buffers_data_given_as_text_and_descriptors_are_no_datasets(lineage_events: RecordingSink) -> None:
    with lineage.run("quiet"):
        pd.read_csv(io.StringIO("a\n1\n"))
        pd.DataFrame({"a": [1]}).to_csv()
        pl.read_csv(io.BytesIO(b"a\n1\n"))
        read, write = os.pipe()
        with open(read, "rb"), open(write, "wb"):
            pass
    assert seen(lineage_events) == ([], [])


def test_remote_places_are_named_without_being_touched() -> None:
    assert [(d.namespace, d.name) for d in observed.datasets("s3://key:secret/x@bucket/a.csv")] == [
        ("s3://bucket", "a.csv")
    ]
    assert observed.datasets(["s3://b/1", "s3://b/2"]) == [lineage.Dataset("s3://b/1"), lineage.Dataset("s3://b/2")]
    assert observed.datasets('{"a": 1}') == []
    assert observed.datasets("a,b\n1,2\n") == []


def test_tables_read_and_written_through_sqlalchemy_are_named(lineage_events: RecordingSink) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="part of the [server] extra")
    engine = sqlalchemy.create_engine("sqlite:///shop.db")
    with lineage.run("tables"):
        pd.DataFrame({"a": [1]}).to_sql("orders", engine, index=False)
        pd.read_sql_table("orders", engine)
    engine.dispose()
    run = lineage_events.runs[0]
    assert [(e["namespace"], e["name"]) for e in run.outputs] == [
        (f"sqlite://{Path('shop.db').absolute()}", "main.orders")
    ]
    assert names(run.inputs) == []


def test_results_exceptions_and_signatures_are_the_users_own(lineage_events: RecordingSink) -> None:
    with lineage.run("same"):
        frame = pd.read_csv("in.csv")
        assert frame.equals(pd.DataFrame({"a": [1, 2, 3]}))
        with open("in.csv") as file:
            assert isinstance(file, io.TextIOWrapper)
        for call in (lambda: open("missing"), lambda: pd.read_csv("missing")):  # noqa: SIM115
            with pytest.raises(FileNotFoundError) as caught:
                call()
            assert caught.value.__cause__ is None
            assert caught.value.filename == "missing"
        read: Any = pd.read_csv
        with pytest.raises(TypeError, match="read_csv"):
            read()
    assert "filepath_or_buffer" in inspect.signature(pd.read_csv).parameters
    assert pd.read_csv.__doc__ is not None
    assert names(lineage_events.runs[0].inputs) == ["in.csv"]


def test_a_librarys_warnings_still_point_at_the_users_line(lineage_events: RecordingSink) -> None:
    with lineage.run("warned"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pd.read_csv("in.csv", sep=r"\s*,\s*")
    assert caught[0].filename == __file__


def test_watched_functions_can_be_pickled() -> None:
    for function in (pd.read_csv, pl.read_csv, parquet.read_table):
        assert pickle.loads(pickle.dumps(function)) is function


def test_stop_puts_everything_back() -> None:
    autocapture.stop()
    before = (builtins.open, io.open, os.replace, os.rename, pd.read_csv, pl.read_csv, parquet.read_table)
    own = {name: vars(cls).get(name) for cls in (pd.DataFrame, pl.DataFrame) for name in ("to_csv", "write_csv")}
    finders = list(sys.meta_path)
    autocapture()
    autocapture()
    assert builtins.open is not before[0]
    assert autocapture.running
    autocapture.stop()
    autocapture.stop()
    after = (builtins.open, io.open, os.replace, os.rename, pd.read_csv, pl.read_csv, parquet.read_table)
    assert after == before
    assert {name: vars(cls).get(name) for cls in (pd.DataFrame, pl.DataFrame) for name in own} == own
    assert sys.meta_path == finders


def test_without_a_run_nothing_is_recorded(lineage_events: RecordingSink) -> None:
    pd.read_csv("in.csv").to_csv("out.csv")
    assert lineage_events.events == []


def test_stop_within_a_run_still_tells_its_outputs(lineage_events: RecordingSink) -> None:
    with lineage.run("stopped"):
        _written("out", "w")
        autocapture.stop()
        _written("later", "w")
    assert seen(lineage_events) == ([], ["out"])


def test_threads_read_and_write_for_the_run_they_belong_to(lineage_events: RecordingSink) -> None:
    def work(number: int) -> None:
        pd.read_csv("in.csv").to_csv(f"out{number}.csv")

    with lineage.run("threads"):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    inputs, outputs = seen(lineage_events)
    assert inputs == ["in.csv"]
    assert sorted(outputs) == [f"out{number}.csv" for number in range(8)]


def test_a_run_that_touches_very_many_files_is_told_once_and_stays_small(
    lineage_events: RecordingSink, capsys: pytest.CaptureFixture[str]
) -> None:
    with lineage.run("many"):
        for number in range(1100):
            _written(f"f{number}", "w")
    assert len(lineage_events.runs[0].outputs) == 1000
    assert capsys.readouterr().err.count("more than 1000 places") == 1


PROGRAM = """
import sys
{before}
import lineage
from lineage.testing import recording
lineage.autocapture()
{after}
with recording() as sink:
    with lineage.run("r"):
        frame = read_csv("in.csv")
        frame.to_parquet("out.parquet")
        read_table("out.parquet")
        scan_csv("in.csv").collect().write_csv("out.csv")
run = sink.run("r")
print([e["name"].rpartition("/")[2] for e in run.inputs], [e["name"].rpartition("/")[2] for e in run.outputs])
"""
IMPORTS = "from pandas import read_csv\nfrom polars import scan_csv\nfrom pyarrow.parquet import read_table"


@pytest.mark.full
@pytest.mark.parametrize("place", ["before", "after"])
def test_libraries_are_watched_whether_imported_before_or_after(place: str) -> None:
    source = PROGRAM.format(before=IMPORTS if place == "before" else "", after=IMPORTS if place == "after" else "")
    Path("job.py").write_text(source)
    done = subprocess.run([sys.executable, "-W", "error", "job.py"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['in.csv'] ['out.parquet', 'out.csv']"
    assert "lineage:" not in done.stderr


def test_autocapture_imports_no_library() -> None:
    source = (
        "import sys, lineage\nlineage.autocapture()\nprint({'pandas', 'polars', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
