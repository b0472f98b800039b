import numpy as np
import torch

from landmark_discovery.clustering.shape import LEAST_DEVIATION, TOLERANCE, fit_shape_prior

GRID = 32
NAN = np.nan
EYES_AND_NOSE = np.array([[10.0, 10.0], [21.0, 10.0], [15.5, 16.0]])
# Mirrored, the eyes change places.
FLIP_MAP = np.array([1, 0, 2])


def moved_faces(count=200, noise=0.0, seed=0):
    """One face of three points, shifted and scaled in each image."""
    generator = np.random.default_rng(seed)
    scale, shift = generator.uniform(0.8, 1.2, (count, 1, 1)), generator.uniform(-3, 3, (count, 1, 2))
    faces = (EYES_AND_NOSE - 15.5) * scale + 15.5 + shift
    return (faces + generator.normal(0, noise, faces.shape)).astype(np.float32)


def test_each_point_is_expected_where_the_others_put_it():
    prior, others = fit_shape_prior(moved_faces(), FLIP_MAP, GRID, 5.0), moved_faces(seed=1)
    np.testing.assert_allclose(prior.expected(torch.from_numpy(others)).numpy(), others, atol=0.25)


def test_a_point_says_nothing_of_itself():
    prior = fit_shape_prior(moved_faces(), FLIP_MAP, GRID, 5.0)
    points = torch.from_numpy(moved_faces(count=20))
    jumped = points.clone()
    jumped[:, 2] += 7
    assert torch.equal(prior.expected(points)[:, 2], prior.expected(jumped)[:, 2])


def test_the_deviation_is_that_of_the_points_from_their_expectation():
    """A noise of 2 cells in each point; what the other two add to it is between nothing and as much again."""
    deviation = fit_shape_prior(moved_faces(count=2000, noise=2.0), FLIP_MAP, GRID, 100.0).deviation / TOLERANCE
    assert ((deviation > 2.0) & (deviation < 2 * 2.0)).all()


def test_points_that_follow_exactly_have_the_least_deviation():
    assert fit_shape_prior(moved_faces(), FLIP_MAP, GRID, 5.0).deviation.tolist() == [TOLERANCE * LEAST_DEVIATION] * 3


def test_jumps_beyond_the_limit_are_not_learnt():
    points = moved_faces()
    points[::10, 0, 0] += 11
    jumping, still = (fit_shape_prior(p, FLIP_MAP, GRID, 5.0) for p in (points, moved_faces()))
    np.testing.assert_allclose(jumping.mean, still.mean, atol=0.1)
    assert jumping.deviation.max() < 1.0


def test_mirrored_images_are_expected_to_be_mirror_images():
    """All faces look to one side, and still the prior is the same for their mirror images."""
    points = moved_faces() + np.array([[0, 0], [0, 0], [3, 0]], dtype=np.float32)
    prior, upright = fit_shape_prior(points, FLIP_MAP, GRID, 100.0), torch.from_numpy(points)

    def mirrored(these):
        turned = these[:, FLIP_MAP].clone()
        turned[..., 0] = GRID - 1 - turned[..., 0]
        return turned

    np.testing.assert_allclose(prior.expected(mirrored(upright)), mirrored(prior.expected(upright)), atol=1e-3)


def test_a_landmark_without_a_mirror_image_is_learnt_from_the_upright_ones_alone():
    prior = fit_shape_prior(moved_faces(), np.array([-1, -1, 2]), GRID, 5.0)
    np.testing.assert_allclose(prior.mean[:2], moved_faces()[:, :2].mean(axis=0), atol=0.01)


def test_two_landmarks_that_one_becomes_in_the_mirror_are_mirrored_each_from_that_one():
    """As heatmaps are averaged: landmark 3, a second left eye, has the right eye for its mirror image."""
    points = np.concatenate([moved_faces(), moved_faces()[:, :1]], axis=1)
    pairs, doubled = (
        fit_shape_prior(points[:, : len(flips)], np.array(flips), GRID, 5.0) for flips in ([1, 0, 2], [1, 0, 2, 1])
    )
    np.testing.assert_allclose(doubled.mean[:3], pairs.mean, atol=1e-4)
    np.testing.assert_allclose(doubled.mean[3], pairs.mean[0], atol=1e-4)


def test_a_landmark_that_is_hardly_found_is_expected_nowhere():
    points = moved_faces()
    points[5:, 2] = NAN
    prior = fit_shape_prior(points, FLIP_MAP, GRID, 5.0)
    assert prior.deviation[2] == torch.inf
    assert torch.isfinite(prior.deviation[:2]).all()


def test_a_landmark_that_is_found_nowhere_moves_no_other():
    points = moved_faces()
    never = fit_shape_prior(np.where(np.arange(3)[:, None] == 2, NAN, points), FLIP_MAP, GRID, 5.0)
    seen = torch.from_numpy(moved_faces(count=3))
    far = seen.clone()
    far[:, 2] = 1000
    assert torch.equal(never.expected(seen)[:, :2], never.expected(far)[:, :2])
    assert never.mean[2].tolist() == [0, 0]


def test_a_single_landmark_is_expected_about_its_mean():
    points = moved_faces()[:, :1]
    prior = fit_shape_prior(points, np.array([0]), GRID, 100.0)
    assert prior.mean[0, 0].item() == 15.5
    assert torch.allclose(prior.expected(torch.from_numpy(points)), prior.mean)


def test_new_images_may_deviate_half_as_far_again_as_those_of_the_training():
    corners = 15.5 + np.array([[-2, -2], [-2, 2], [2, -2], [2, 2]], dtype=np.float32)
    prior = fit_shape_prior(np.tile(corners, (10, 1))[:, None], np.array([0]), GRID, 100.0)
    torch.testing.assert_close(prior.deviation, torch.tensor([3.0]))
