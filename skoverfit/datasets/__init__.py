# SPDX-License-Identifier: BSD-3-Clause
"""Generators, and injectors of label noise and imbalance."""

from skoverfit.datasets._class_noise import (
    asymmetric_noise as asymmetric_noise,
    class_conditional_noise as class_conditional_noise,
    pair_noise as pair_noise,
    symmetric_noise as symmetric_noise,
)
from skoverfit.datasets._feature_noise import (
    instance_noise as instance_noise,
    margin_noise as margin_noise,
)
from skoverfit.datasets._joint_noise import (
    joint_noise as joint_noise,
    joint_proportional_noise as joint_proportional_noise,
)
from skoverfit.datasets._label_noise import make_label_noise as make_label_noise
from skoverfit.datasets._latent_factor import (
    make_latent_factor as make_latent_factor,
)
from skoverfit.datasets._long_tail import (
    make_linear_imbalance as make_linear_imbalance,
    make_long_tail as make_long_tail,
    make_step_imbalance as make_step_imbalance,
)
from skoverfit.datasets._long_tail_subpopulations import (
    make_long_tail_subpopulations as make_long_tail_subpopulations,
)
from skoverfit.datasets._noisy_long_tail import (
    make_noisy_long_tail as make_noisy_long_tail,
)
from skoverfit.datasets._transition import (
    check_transition_matrix as check_transition_matrix,
    is_learnable_transition as is_learnable_transition,
    make_transition_matrix as make_transition_matrix,
)
from skoverfit.datasets._xor_clusters import (
    make_xor_clusters as make_xor_clusters,
)

__all__ = [
    "asymmetric_noise",
    "check_transition_matrix",
    "class_conditional_noise",
    "instance_noise",
    "is_learnable_transition",
    "joint_noise",
    "joint_proportional_noise",
    "make_label_noise",
    "make_latent_factor",
    "make_linear_imbalance",
    "make_long_tail",
    "make_long_tail_subpopulations",
    "make_noisy_long_tail",
    "make_step_imbalance",
    "make_transition_matrix",
    "make_xor_clusters",
    "margin_noise",
    "pair_noise",
    "symmetric_noise",
]
