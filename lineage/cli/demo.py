"""`lineage demo`: a real pipeline on real data, then where its model comes from.

Runs `examples/diagnosis/pipeline.py` (shipped beside this module in an installed package) in a process of its own,
with nothing configured but a LINEAGE_HOME, and asks the embedded service as any user would. Nothing in here is staged:
change the pipeline or its data, run it again, and the answer changes.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from lineage import settings
from lineage.cli import render
from lineage.cli.connection import JsonFlag, connect, embedded_available
from lineage.cli.origins import draw_origins
from lineage.errors import UsageError

MODEL = "diagnosis"
SOURCE = "breast_cancer.csv"
_NEEDS = ("sklearn", "pandas")
_ELSEWHERE = ("LINEAGE_URL", "LINEAGE_TOKEN", "LINEAGE_TOKEN_FILE", "LINEAGE_SPOOL_DIR", "LINEAGE_PROJECT")


def demo(
    source: Annotated[
        Path | None,
        typer.Option("--source", metavar="CSV", exists=True, dir_okay=False, help="Measurements of your own."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Run a real pipeline on real data and show where its model comes from."""
    pipeline = _pipeline()
    _require()
    home, temporary = _home()
    folder = home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    data = source.resolve() if source is not None else _data(folder)
    for name in _ELSEWHERE:  # a demo must not write into somebody's real service
        os.environ.pop(name, None)
    os.environ["LINEAGE_HOME"] = str(home)
    _step(f"six tracked tasks: load, clean, split, train, evaluate, register   {_shown(pipeline)}")
    _step(f"data: {_shown(data)}")
    _run(pipeline, data, folder / f"{MODEL}.joblib")
    _step("the service starts by itself and takes in what the pipeline left on disk")
    with connect() as client:
        answer = client.origins(MODEL)
    if json:
        render.emit_json({"home": str(home), "origins": answer})
        return
    command = _command()
    render.line("")
    render.line(render.dim(f"$ {command} origins {MODEL}"))
    draw_origins(answer, command)
    render.line("")
    if temporary:
        render.line("to look further, first: ", render.bold(f"export LINEAGE_HOME={home}"))
    render.line(f"change one byte of {_shown(data)} and run {command} demo again: the digests change from there on")


def _step(text: str) -> None:
    render.note(f"· {text}")


def _pipeline() -> Path:
    beside = Path(__file__).with_name("demo_pipeline.py")
    checkout = Path(__file__).resolve().parents[2] / "examples" / "diagnosis" / "pipeline.py"
    found = next((path for path in (beside, checkout) if path.is_file()), None)
    if found is None:
        raise UsageError(f"the demo's pipeline is missing ({beside}); install weftline again")
    return found


def _require() -> None:
    missing = [name for name in _NEEDS if importlib.util.find_spec(name) is None]
    packages = ['"weftline[server]"'] if not embedded_available() else []
    packages += ["scikit-learn" if name == "sklearn" else name for name in missing]
    if packages:
        raise UsageError(f"the demo needs more than is installed: pip install {' '.join(packages)}")


def _home() -> tuple[Path, bool]:
    """The LINEAGE_HOME given, else a folder made for this demo."""
    if os.environ.get("LINEAGE_HOME"):
        return settings.current().home.resolve(), False
    return Path(tempfile.mkdtemp(prefix="lineage-demo-")), True


def _data(folder: Path) -> Path:
    """A copy of scikit-learn's file that may be changed; the one of an earlier demo is kept as it is."""
    copy = folder / SOURCE
    if not copy.exists():
        spec = importlib.util.find_spec("sklearn")
        assert spec is not None
        assert spec.origin is not None
        shutil.copyfile(Path(spec.origin).parent / "datasets" / "data" / SOURCE, copy)
    return copy


def _run(pipeline: Path, data: Path, model: Path) -> None:
    ended = subprocess.run([sys.executable, str(pipeline), str(data), str(model)], check=False)
    if ended.returncode:
        raise UsageError(f"the pipeline ended with code {ended.returncode}; its traceback is above")


def _command() -> str:
    """How this command can be called again from here."""
    program = Path(sys.argv[0])
    if shutil.which("lineage") == str(program) or program.name != "lineage":
        return "lineage"
    return _shown(program)


def _shown(path: Path) -> str:
    """A path as short as it stays true from here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
