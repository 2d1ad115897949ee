# SPDX-License-Identifier: BSD-3-Clause
"""skrub's encoder for columns of many texts, made to fit small columns too."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from skrub import StringEncoder

_PROBE = 500


class BoundedStringEncoder(StringEncoder):
    """``StringEncoder`` that never asks for more components than there are n-grams.

    With fewer n-grams than ``n_components`` skrub warns and keeps the counts as they
    are; this class asks for that number, so there is nothing to warn of.
    """

    def fit_transform(self, X: pd.Series, y: Any = None) -> pd.DataFrame:
        """Fit the encoder and transform a column of at least two texts."""
        wanted: int = self.n_components  # type: ignore[has-type]
        texts = pd.Series(X.dropna().unique()).astype(str)
        self.n_components = min(wanted, len(X) - 1, self._count_ngrams(texts, wanted))
        try:
            return super().fit_transform(X, y)
        finally:
            self.n_components = wanted

    def _count_ngrams(self, texts: pd.Series, enough: int) -> int:
        counter = CountVectorizer(ngram_range=self.ngram_range, analyzer=self.analyzer)
        found = len(counter.fit(texts.head(_PROBE)).vocabulary_)
        if found > enough or len(texts) <= _PROBE:
            return found
        return len(counter.fit(texts).vocabulary_)
