"""Gaussian mixtures on the line: laws, quantiles, distances, in torch and numpy alike, exact at zero scale."""

from marlgt._lazy import attach

_EXPORTS = {
    "GaussianMixture": "marlgt.deep.distributions.mixtures",
    "Particles": "marlgt.deep.distributions.mixtures",
    "cdf": "marlgt.deep.distributions.mixtures",
    "cramer_distance": "marlgt.deep.distributions.distances",
    "cross_entropy": "marlgt.deep.distributions.divergences",
    "energy_distance": "marlgt.deep.distributions.distances",
    "expected_distance": "marlgt.deep.distributions.distances",
    "kl_divergence": "marlgt.deep.distributions.divergences",
    "log_density": "marlgt.deep.distributions.mixtures",
    "mean": "marlgt.deep.distributions.mixtures",
    "mode": "marlgt.deep.distributions.inverting",
    "quantile": "marlgt.deep.distributions.inverting",
    "sample": "marlgt.deep.distributions.mixtures",
    "survival": "marlgt.deep.distributions.mixtures",
    "variance": "marlgt.deep.distributions.mixtures",
    "wasserstein_1": "marlgt.deep.distributions.transport",
    "wasserstein_2": "marlgt.deep.distributions.transport",
}
__all__ = sorted(_EXPORTS)
__getattr__, __dir__ = attach(__name__, _EXPORTS)
