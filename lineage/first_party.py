"""Which of the loaded modules are the user's own code, and where the program began.

Owns the line between first-party code and what was installed: standard library, site-packages, this package.
Does not read sources or repositories.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from functools import cache
from types import ModuleType

_OURS = ("lineage", "lineage_graph", "lineage_api", "lineage_prefect", "lineage_airflow")
_MARKS = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


@cache
def _installed_roots() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    roots = {path for name in names if (path := sysconfig.get_paths().get(name))}
    try:
        roots.update(site.getsitepackages())
        roots.add(site.getusersitepackages())
    except (AttributeError, TypeError):  # an embedded interpreter without `site`
        pass
    if sys.prefix != sys.base_prefix:
        roots.add(sys.prefix)
    return tuple(os.path.realpath(root).rstrip(os.sep) + os.sep for root in roots if root)


def is_first_party(path: str) -> bool:
    """Whether a source file belongs to the user rather than to something installed."""
    if any(mark in path for mark in _MARKS) or path.startswith("<"):
        return False
    real = os.path.realpath(path)
    return not any(mark in real for mark in _MARKS) and not real.startswith(_installed_roots())


def modules() -> dict[str, str]:
    """Source files of the loaded first-party modules, by module name."""
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OURS or not isinstance(module, ModuleType):
            continue
        path = module.__dict__.get("__file__")
        if isinstance(path, str) and path.endswith((".py", ".pyx")) and is_first_party(path):
            found[name] = os.path.abspath(path) if os.path.isabs(path) else _absolute(path)
    return found


def entry_point() -> tuple[str | None, str | None]:
    """(name, file) of what the program was started as: a module with -m, a script, or (None, None) in a console."""
    main = sys.modules.get("__main__")
    if main is None:
        return None, None
    path = main.__dict__.get("__file__")
    path = _absolute(path) if isinstance(path, str) else None
    spec = main.__dict__.get("__spec__")
    name = getattr(spec, "name", None)
    if isinstance(name, str):
        return name.removesuffix(".__main__"), path
    if "ipykernel" in sys.modules and path is None:
        return "notebook", None
    return (os.path.basename(path), path) if path is not None else (None, None)


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the folder the program was started in is gone
        return os.path.normpath(os.path.join(os.environ.get("PWD", "/"), path))
