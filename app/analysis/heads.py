"""The scores and the roles of all heads in one pass: each block of weights is computed once."""

from collections.abc import Sequence

import numpy as np
import torch

from ..capture.capture import Capture
from ..records import NO_PROGRESS, Progress
from .blocks import add_blocks, check_within
from .roles import Roles, RoleSums, roles_of
from .scores import ScoreSums, means_of
from .table import RowScore


@torch.inference_mode()
def scores_and_roles(
    capture: Capture, scores: Sequence[RowScore], progress: Progress = NO_PROGRESS
) -> tuple[np.ndarray, Roles]:
    """The results of `per_head`, [s l h], and of `roles`. It takes as many steps as one of them."""
    check_within(capture, "roles")
    score_sums = [ScoreSums(scores, layer.heads) for layer in capture.layers]
    role_sums = [RoleSums(layer.heads) for layer in capture.layers]
    add_blocks(capture, score_sums, role_sums, progress=progress)
    return means_of(capture, score_sums), roles_of(capture, role_sums)
