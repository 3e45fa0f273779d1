"""Digests of fitted models: the same fit has the same one, another fit another, and nothing of a user's runs."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse  # type: ignore[import-untyped]
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from lineage.digests import describe_value

_RNG = np.random.default_rng(7)
X = _RNG.random((120, 4))
Y = (X[:, 0] + X[:, 1] > 1).astype(int)

MODELS: dict[str, Any] = {
    "logistic": lambda: LogisticRegression(),
    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
    "forest": lambda: RandomForestClassifier(5, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=3, random_state=0),
    "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=3, random_state=0),
    "svm": lambda: SVC(random_state=0),
    "neighbours": lambda: KNeighborsClassifier(),
    "bayes": lambda: GaussianNB(),
    "network": lambda: MLPClassifier((4,), max_iter=5, random_state=0),
    "sgd": lambda: SGDClassifier(random_state=0),
    "clusters": lambda: KMeans(2, random_state=0),
    "pca": lambda: PCA(2, random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), FunctionTransformer(np.tanh), LogisticRegression()),
    "columns": lambda: make_pipeline(
        ColumnTransformer(
            [("a", StandardScaler(), [0, 1]), ("b", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [2])]
        ),
        GaussianNB(),
    ),
    "search": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
}


def fitted(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODELS[name]().fit(X, Y)


def digest(value: Any) -> str | None:
    found = describe_value(value)
    return None if found is None else found.digest


@pytest.mark.parametrize("name", [name for name in MODELS if name != "search"])
def test_the_same_fit_has_the_same_digest(name: str) -> None:
    model = fitted(name)
    first = digest(model)
    assert first is not None
    assert digest(fitted(name)) == first
    assert digest(copy.deepcopy(model)) == first
    assert digest(pickle.loads(pickle.dumps(model))) == first
    found = describe_value(model)
    assert found is not None
    assert found.facets["datasetType"]["datasetType"] == "MODEL"


def test_a_search_is_digested_though_its_times_vary() -> None:
    model = fitted("search")
    assert digest(model) == digest(copy.deepcopy(model))
    assert digest(model.best_estimator_) == digest(fitted("search").best_estimator_)


def test_all_models_differ_and_so_do_fits_and_parameters() -> None:
    digests = [digest(fitted(name)) for name in MODELS]
    digests += [
        digest(MODELS["logistic"]()),
        digest(LogisticRegression(C=2.0)),
        digest(LogisticRegression(C=2.0).fit(X, Y)),
    ]
    digests += [digest(LogisticRegression().fit(X, 1 - Y)), digest(RandomForestClassifier(5, random_state=1).fit(X, Y))]
    assert None not in digests
    assert len(set(digests)) == len(digests)


def test_a_text_model_counts_by_its_vocabulary() -> None:
    one = TfidfVectorizer().fit(["a red fox", "a blue dog"])
    assert digest(one) == digest(TfidfVectorizer().fit(["a red fox", "a blue dog"]))
    assert digest(one) != digest(TfidfVectorizer().fit(["a red fox", "a blue cat"]))


def test_sparse_matrices_are_read() -> None:
    matrix = scipy.sparse.random(20, 10, 0.2, format="csr", rng=np.random.default_rng(1))
    found = describe_value(matrix)
    assert found is not None
    assert (found.rows, found.digest) == (20, digest(matrix.copy()))
    changed = matrix.copy()
    changed.data[0] += 1
    assert digest(changed) != found.digest
    assert digest(matrix.tocsc()) != found.digest


class Custom(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A user's estimator: its attributes are read, its methods never run."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def fit(self, features: Any, labels: Any) -> Custom:
        self.weights_ = features.mean(axis=0) * self.alpha
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        raise RuntimeError("our code must not call a user's methods")

    def __getstate__(self) -> Any:
        raise RuntimeError("our code must not pickle a user's objects")

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        raise RuntimeError("our code must not print a user's objects")


def test_a_users_estimator_is_read_without_running_its_code() -> None:
    assert digest(Custom().fit(X, Y)) == digest(Custom().fit(X, Y)) is not None
    assert digest(Custom().fit(X, Y)) != digest(Custom(2.0).fit(X, Y))


def test_an_estimator_that_holds_something_unreadable_has_no_description() -> None:
    model = Custom().fit(X, Y)
    model.__dict__["connection_"] = object()
    assert describe_value(model) is None
    secret = 3
    model.__dict__["connection_"] = lambda: secret
    assert describe_value(model) is None


def test_random_states_count_by_their_state() -> None:
    one, two = np.random.RandomState(1), np.random.RandomState(1)
    assert digest(LogisticRegression(random_state=one)) == digest(LogisticRegression(random_state=two)) is not None
    two.random()
    assert digest(LogisticRegression(random_state=one)) != digest(LogisticRegression(random_state=two))
    assert digest(np.random.default_rng(1)) == digest(np.random.default_rng(1)) != digest(np.random.default_rng(2))
