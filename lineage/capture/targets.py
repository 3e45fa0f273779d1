"""Which functions of which libraries read or write data, as one table.

Owns names and the place of the argument that says where; how they are watched is `patching`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A function to watch.

    Args:
        module: module whose import makes it exist.
        owner: class in it, or "" for the module itself.
        name: the function's name.
        writes: whether it writes to the place rather than reads from it.
        argument: name of the argument that says where.
        position: its position; methods count themselves as 0.
        table: name of the argument that holds a database connection, where `argument` names a table in it.
    """

    module: str
    owner: str
    name: str
    writes: bool
    argument: str
    position: int
    table: str = ""


def _functions(module: str, names: dict[str, str], *, writes: bool = False, position: int = 0) -> list[Target]:
    return [Target(module, "", name, writes, argument, position) for name, argument in names.items()]


def _methods(module: str, owner: str, names: dict[str, str], *, writes: bool = True) -> list[Target]:
    return [Target(module, owner, name, writes, argument, 1) for name, argument in names.items()]


_PANDAS_READS = {
    "read_csv": "filepath_or_buffer",
    "read_table": "filepath_or_buffer",
    "read_fwf": "filepath_or_buffer",
    "read_excel": "io",
    "read_json": "path_or_buf",
    "read_html": "io",
    "read_xml": "path_or_buffer",
    "read_hdf": "path_or_buf",
    "read_feather": "path",
    "read_parquet": "path",
    "read_orc": "path",
    "read_pickle": "filepath_or_buffer",
    "read_stata": "filepath_or_buffer",
    "read_sas": "filepath_or_buffer",
    "read_spss": "path",
}
_PANDAS_WRITES = {
    "to_csv": "path_or_buf",
    "to_excel": "excel_writer",
    "to_json": "path_or_buf",
    "to_hdf": "path_or_buf",
    "to_pickle": "path",
}
_PANDAS_FRAME_WRITES = {
    "to_feather": "path",
    "to_parquet": "path",
    "to_orc": "path",
    "to_stata": "path",
    "to_xml": "path_or_buffer",
    "to_html": "buf",
}
_POLARS_READS = {
    "read_csv": "source",
    "read_parquet": "source",
    "read_ipc": "source",
    "read_ipc_stream": "source",
    "read_json": "source",
    "read_ndjson": "source",
    "read_avro": "source",
    "read_excel": "source",
    "read_ods": "source",
    "read_delta": "source",
    "scan_csv": "source",
    "scan_parquet": "source",
    "scan_ipc": "source",
    "scan_ndjson": "source",
    "scan_delta": "source",
}
_POLARS_WRITES = {
    "write_csv": "file",
    "write_parquet": "file",
    "write_ipc": "file",
    "write_ipc_stream": "file",
    "write_json": "file",
    "write_ndjson": "file",
    "write_avro": "file",
    "write_excel": "workbook",
    "write_delta": "target",
}
_POLARS_SINKS = {"sink_csv": "path", "sink_parquet": "path", "sink_ipc": "path", "sink_ndjson": "path"}

TARGETS: tuple[Target, ...] = (
    *_functions("pandas", _PANDAS_READS),
    *_methods("pandas", "DataFrame", _PANDAS_WRITES),
    *_methods("pandas", "DataFrame", _PANDAS_FRAME_WRITES),
    *_methods("pandas", "Series", _PANDAS_WRITES),
    Target("pandas", "", "read_sql_table", False, "table_name", 0, "con"),
    Target("pandas", "DataFrame", "to_sql", True, "name", 1, "con"),
    Target("pandas", "Series", "to_sql", True, "name", 1, "con"),
    # The rest of NumPy goes through `open`.
    *_functions("numpy", {"loadtxt": "fname", "genfromtxt": "fname", "fromfile": "file"}),
    *_functions("polars", _POLARS_READS),
    *_methods("polars", "DataFrame", _POLARS_WRITES),
    *_methods("polars", "LazyFrame", _POLARS_SINKS),
    *_functions("pyarrow.parquet", {"read_table": "source", "read_pandas": "source"}),
    *_methods("pyarrow.parquet", "ParquetFile", {"__init__": "source"}, writes=False),
    *_functions("pyarrow.parquet", {"write_table": "where"}, writes=True, position=1),
    *_functions("pyarrow.parquet", {"write_to_dataset": "root_path"}, writes=True, position=1),
    *_functions("pyarrow.dataset", {"dataset": "source"}),
    *_functions("pyarrow.dataset", {"write_dataset": "base_dir"}, writes=True, position=1),
    *_functions("pyarrow.csv", {"read_csv": "input_file", "open_csv": "input_file"}),
    *_functions("pyarrow.csv", {"write_csv": "output_file"}, writes=True, position=1),
    *_functions("pyarrow.feather", {"read_table": "source", "read_feather": "source"}),
    *_functions("pyarrow.feather", {"write_feather": "dest"}, writes=True, position=1),
)

MODULES = frozenset(target.module for target in TARGETS)
