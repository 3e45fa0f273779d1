"""Inputs and outputs named by hand: for data that travels through files instead of return values.

python examples/declared/files.py WORK_FOLDER && lineage trace WORK_FOLDER/totals.csv
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

from lineage import Dataset, log_input, log_output, run, tracked_task

ORDERS = [("ana", 30), ("ben", 12), ("ana", 8), ("cleo", 51)]


@tracked_task(outputs=lambda target: [Dataset(target)])
def export(target: Path) -> None:
    """Write the orders; the output is named by a function of the task's argument."""
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("customer", "amount"), *ORDERS])


@tracked_task(inputs=lambda source, target: [Dataset(source)], outputs=lambda source, target: [Dataset(target)])
def total(source: Path, target: Path) -> None:
    """Sum the orders of each customer."""
    sums: Counter[str] = Counter()
    with source.open(newline="") as file:
        for row in csv.DictReader(file):
            sums[row["customer"]] += int(row["amount"])
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("customer", "total"), *sorted(sums.items())])


def report(source: Path, target: Path) -> None:
    """Not a decorated function: a block that is a run of its own."""
    with run("report"):
        log_input(source)
        best = max(csv.DictReader(source.open(newline="")), key=lambda row: int(row["total"]))
        target.write_text(f"best customer: {best['customer']}\n")
        log_output(target)


def main(folder: Path) -> None:
    """Write orders.csv, totals.csv and report.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    export(folder / "orders.csv")
    total(folder / "orders.csv", folder / "totals.csv")
    report(folder / "totals.csv", folder / "report.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "orders").resolve())
