from typing import get_args

import pytest

from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.config.detectors import DETECTORS, unread_keys

FIELDS = BootstrapSettings.model_fields


def test_every_detector_of_the_configuration_is_described():
    assert tuple(DETECTORS) == get_args(FIELDS["detector"].annotation)


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_detector_reads_keys_that_there_are_and_its_threshold_among_them(detector):
    facts = DETECTORS[detector]
    assert facts.threshold in facts.keys
    assert set(facts.keys) <= set(FIELDS)
    assert set(unread_keys(detector)) <= set(FIELDS) - set(facts.keys)


@pytest.mark.parametrize("detector", DETECTORS)
def test_descriptions_name_the_detectors_that_read_a_key(detector):
    for key in {key for facts in DETECTORS.values() for key in facts.keys}:
        readers = FIELDS[key].description.rpartition("(")[2].rstrip(").").split(", ")
        assert (detector in readers) == (key in DETECTORS[detector].keys), key


def test_what_no_detector_reads_alone_belongs_to_all():
    assert unread_keys("sift") == [
        "superpoint_open_threshold",
        "superpoint_threshold",
        "superpoint_nms_px",
        "superpoint_swap_red_blue",
    ]
