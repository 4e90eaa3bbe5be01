"""Which files right answers read that libraries download where they do not find them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEABORN = re.compile(r"\bload_dataset\(\s*[\"'](\w+)[\"']")
_SKLEARN = re.compile(r"\bfetch_(\w+)\(")
# The names under which scikit-learn keeps them; of those not listed, the folder alone is known.
_KEPT = {
    "20newsgroups": "20news-bydate_py3.pkz",
    "20newsgroups_vectorized": "20news-bydate_py3.pkz",
    "california_housing": "cal_housing_py3.pkz",
    "covtype": "covertype",
    "kddcup99": "kddcup99_10-py3",
    "lfw_pairs": "lfw_home",
    "lfw_people": "lfw_home",
    "olivetti_faces": "olivetti_py3.pkz",
    "openml": "openml",
    "rcv1": "RCV1",
    "species_distributions": "species_coverage_py3.pkz",
}


def read_by(source: str) -> tuple[str, ...]:
    """Return the files that a program reads, as paths below the folder that the setting `shown` names."""
    return tuple(sorted(set(_read_by(source))))


def _read_by(source: str) -> Iterator[str]:
    for name in _SEABORN.findall(source):
        yield f"seaborn-data/{name}.csv"
    for name in _SKLEARN.findall(source):
        yield f"scikit_learn_data/{_KEPT.get(name, '')}"
