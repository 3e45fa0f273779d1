"""Breast tumours, benign or malignant: a pipeline of six tracked tasks on real measurements.

The data is the Wisconsin diagnostic set that scikit-learn ships (569 tumours, 30 measurements each). Nothing here
talks to a service: decorated functions leave records; `lineage origins diagnosis` asks afterwards where the model
came from.

    python examples/diagnosis/pipeline.py                      # on scikit-learn's own file
    python examples/diagnosis/pipeline.py my_copy.csv          # on yours: change a byte and compare
"""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import pandas as pd
import sklearn.datasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lineage import (
    Dataset,
    log_check,
    log_metrics,
    log_param,
    register_model,
    tag,
    tracked_flow,
    tracked_task,
)

SHIPPED = Path(sklearn.datasets.__file__).parent / "data" / "breast_cancer.csv"
MEASURED = ["radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points",
            "symmetry", "fractal dimension"]  # fmt: skip
COLUMNS = [f"{how} {what}" for how in ("mean", "error", "worst") for what in MEASURED]


@tracked_task(inputs=lambda source: [Dataset(source)])
def load(source: Path) -> pd.DataFrame:
    """Read the measurements; the last column says 1 for benign."""
    return pd.read_csv(source, skiprows=1, names=[*COLUMNS, "benign"])


@tracked_task
def clean(raw: pd.DataFrame, correlated: float = 0.98) -> pd.DataFrame:
    """Drop repeated tumours, impossible ones, and columns that say what another one says."""
    log_param("correlated", correlated)
    kept = raw.drop_duplicates().query("`mean radius` > 0")
    matrix = kept.loc[:, COLUMNS].corr().abs()
    redundant = [column for place, column in enumerate(COLUMNS) if (matrix.iloc[:place, place] > correlated).any()]
    log_check("no missing values", not kept.isna().to_numpy().any())
    return kept.drop(columns=redundant)


@tracked_task
def split(tumours: pd.DataFrame, held_back: float = 0.25, seed: int = 7) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold a part back, drawn by lot, to judge the model on."""
    log_param("held_back", held_back)
    log_param("seed", seed)
    judge = tumours.sample(frac=held_back, random_state=seed)
    return tumours.drop(index=judge.index), judge


@tracked_task
def train(learn: pd.DataFrame, strength: float = 0.5, seed: int = 7) -> Pipeline:
    """Fit a logistic regression on scaled measurements."""
    log_param("strength", strength)
    log_param("seed", seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500, random_state=seed))
    return model.fit(learn.drop(columns="benign"), learn["benign"])


@tracked_task
def evaluate(model: Pipeline, judge: pd.DataFrame) -> dict[str, float]:
    """Judge the model on tumours it has not seen."""
    measurements, benign = judge.drop(columns="benign"), judge["benign"]
    metrics = {
        "auc": float(roc_auc_score(benign, model.predict_proba(measurements)[:, 1])),
        "accuracy": float(accuracy_score(benign, model.predict(measurements))),
    }
    log_metrics(metrics)
    log_check("better than always guessing benign", metrics["accuracy"] > sum(benign) / len(benign))
    return metrics


@tracked_task
def register(model: Pipeline, metrics: dict[str, float], target: Path) -> Path:
    """Store the model and give it the next number."""
    joblib.dump(model, target)
    register_model("diagnosis", target, tags={"accuracy": f"{metrics['accuracy']:.3f}"})
    return target


@tracked_flow
def diagnosis(source: Path, target: Path) -> Path:
    """From the measurements to a registered model."""
    tag("example", "diagnosis")
    learn, judge = split(clean(load(source)))
    model = train(learn)
    return register(model, evaluate(model, judge), target)


def main(arguments: list[str]) -> None:
    """Run the pipeline: [source.csv [model.joblib]]."""
    source = Path(arguments[0]) if arguments else SHIPPED
    target = Path(arguments[1]) if len(arguments) > 1 else Path("diagnosis.joblib")
    diagnosis(source.resolve(), target.resolve())


if __name__ == "__main__":
    main(sys.argv[1:])
