"""The mean head: an orderly surface with the 68 points in their usual places on it."""

import numpy as np
import pytest

from landmark_discovery.data.synthetic.template import at_places, head_template, surface_normals


@pytest.fixture(scope="module")
def points():
    template = head_template()
    return at_places(template.vertices, template.places)


def test_there_are_68_points_on_the_grid():
    template = head_template()
    rows, columns = template.vertices.shape[:2]
    assert template.places.shape == (68, 2)
    assert (template.places >= 0).all()
    assert (template.places <= [rows - 1, columns - 1]).all()


def test_the_subjects_right_side_is_on_the_left_of_the_picture(points):
    right = [0, 7, 17, 21, 31, 36, 39, 48, 60]
    left = [16, 9, 26, 22, 35, 45, 42, 54, 64]
    assert (points[right, 0] < 0).all()
    assert (points[left, 0] > 0).all()


def test_the_middle_line_runs_from_nose_to_chin(points):
    middle = [27, 28, 29, 30, 33, 51, 62, 66, 57, 8]
    np.testing.assert_allclose(points[middle, 0], 0, atol=1e-9)
    assert (np.diff(points[middle, 1]) > 0).all()


def test_the_nose_is_nearest_to_the_viewer(points):
    assert points[:, 2].argmax() == 30


def test_the_contour_goes_round_the_chin(points):
    assert (np.diff(points[:9, 1]) > 0).all()
    assert points[:, 1].argmax() == 8
    assert (np.abs(points[[0, 16], 0]) > np.abs(points[[36, 45], 0])).all()


def test_the_mean_is_its_own_mirror_image():
    vertices = head_template().vertices
    np.testing.assert_allclose(vertices[:, ::-1] * [-1, 1, 1], vertices, atol=1e-9)


def test_normals_point_outwards():
    template = head_template()
    normals = surface_normals(template.vertices)
    middle = template.vertices.shape[1] // 2
    forehead = np.searchsorted(template.height, -5.0)
    assert normals[forehead, middle, 2] > 0.9
    temple = np.argmin(np.abs(template.azimuth - np.radians(90)))
    assert normals[forehead, temple, 0] > 0.9


def test_a_normal_of_a_slanted_plane_is_its_own():
    down, across = np.meshgrid(np.arange(4.0), np.arange(5.0), indexing="ij")
    plane = np.stack([across, down, across], axis=-1)
    expected = np.array([-1, 0, 1]) / np.sqrt(2)
    np.testing.assert_allclose(surface_normals(plane), np.broadcast_to(expected, plane.shape), atol=1e-12)


def test_a_place_between_four_vertices_is_their_weighted_mean():
    grid = np.array([[[0.0], [10.0]], [[20.0], [30.0]]])
    places = np.array([[0, 0], [0, 1], [1, 1], [0.5, 0.5], [0.25, 0.0]])
    assert at_places(grid, places).ravel().tolist() == [0, 10, 30, 15, 5]


def test_the_mean_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        head_template().vertices[0, 0, 0] = 1.0
