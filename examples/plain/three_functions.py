"""Three decorated functions, nothing declared: the values they hand on are followed by themselves.

python examples/plain/three_functions.py && lineage runs && lineage trace model:slope
"""

from __future__ import annotations

from lineage import log_metric, register_model, tracked_flow, tracked_task


@tracked_task
def measure() -> list[tuple[float, float]]:
    """Points near a line."""
    return [(float(x), 3.0 * x + (-1) ** x) for x in range(50)]


@tracked_task
def centre(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Move the middle of the points to the origin."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    return [(x - middle_x, y - middle_y) for x, y in points]


@tracked_task
def fit(points: list[tuple[float, float]]) -> float:
    """Least squares through the origin."""
    slope = sum(x * y for x, y in points) / sum(x * x for x, _ in points)
    log_metric("slope", slope)
    register_model("slope", slope)
    return slope


@tracked_flow
def line() -> float:
    """Measure, centre, fit."""
    return fit(centre(measure()))


if __name__ == "__main__":
    print(f"slope {line():.3f}")
