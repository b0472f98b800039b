"""What becomes of a schedule when several processes share each batch (method, section 4).

Each takes `batch_pairs` or `batch_size`, so that the whole batch grows with their number. The paper's rule raises the
learning rate as much and shortens the rounds; warm-up, totals and the iterations at which the rate falls stay.
"""

from __future__ import annotations

from landmark_discovery.config.training import OptimizerSettings, Stage1Settings, Stage2Settings


def scaled_stage1(settings: Stage1Settings, processes: int) -> Stage1Settings:
    """Give the schedule of stage 1 for so many processes, where the settings ask for the paper's rule."""
    if not settings.scale_with_processes:
        return settings
    changes = {
        "optimizer": _scaled(settings.optimizer, processes),
        "round_iterations": max(1, settings.round_iterations // processes),
    }
    return settings.model_copy(update=changes)


def scaled_stage2(settings: Stage2Settings, processes: int) -> Stage2Settings:
    """Give the schedule of stage 2 for so many processes, where the settings ask for the paper's rule."""
    if not settings.scale_with_processes:
        return settings
    return settings.model_copy(update={"optimizer": _scaled(settings.optimizer, processes)})


def _scaled(optimizer: OptimizerSettings, processes: int) -> OptimizerSettings:
    return optimizer.model_copy(update={"learning_rate": optimizer.learning_rate * processes})
