"""A timetable that stops a training after so many steps."""

import dataclasses

from landmark_discovery.training.interruption import Timetable


@dataclasses.dataclass
class StopsAfter(Timetable):
    """Asks for a stop after so many steps of this run."""

    steps: int = 0

    @property
    def should_stop(self):
        self.steps -= 1
        if self.steps == 0:
            self.stop("the test")
        return self.reason is not None
