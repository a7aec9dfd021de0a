"""Critics: last layers that say what return a state promises, as one number or as a distribution."""

from marlgt._lazy import attach

_EXPORTS = {
    "CategoricalCritic": "marlgt.deep.critics.categorical",
    "ImplicitQuantileCritic": "marlgt.deep.critics.quantile",
    "MixtureCritic": "marlgt.deep.critics.mixture",
    "QuantileCritic": "marlgt.deep.critics.quantile",
    "ScalarCritic": "marlgt.deep.critics.scalar",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
