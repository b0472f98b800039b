import numpy as np
import torch

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.data.cutting import filled_up
from landmark_discovery.data.store import read_store, write_store
from landmark_discovery.training.colour import draw_colour_change
from landmark_discovery.training.images import StoredImages, stored_images
from landmark_discovery.training.randomness import Randomness
from landmark_discovery.training.views import mirrored_views, plain_views

CPU = torch.device("cpu")
UNCHANGED = AugmentationSettings(
    blur_probability=0, contrast=(1, 1), noise_probability=0, brightness=(1, 1), hue_saturation_probability=0
)


def crops_as_stored(stored, indices):
    """The crops are as large as the views: every pixel of a view is one of the store."""
    return stored.pixels[indices, 4:36, 4:36].permute(0, 3, 1, 2) / 255


def augmented(stored, indices, geometry, settings):
    change = draw_colour_change(len(indices), settings, Randomness(torch.Generator().manual_seed(0)))
    return stored.views_of(stored.read(indices), indices, geometry, change)


def test_images_are_read_by_position(stored):
    images = stored.read(torch.tensor([2, 0]))
    assert images.shape == (2, 40, 40, 3)
    assert images.dtype == torch.uint8
    assert images[0, 7, 5, 1] == stored.pixels[2, 7, 5, 1]


def test_images_read_on_the_host_are_the_same(stored):
    indices = torch.tensor([2, 0, 2])
    assert torch.equal(stored.read_host(indices), stored.read(indices))


def test_a_view_of_the_crop_at_its_own_size_is_the_crop_in_0_to_1(stored):
    indices = torch.tensor([3, 1])
    views = stored.views(indices, plain_views(stored.crops[indices], 32))
    torch.testing.assert_close(views, crops_as_stored(stored, indices), atol=1e-5, rtol=0)


def test_a_mirrored_view_is_the_mirror_image_exactly(stored):
    indices = torch.tensor([0])
    geometry = mirrored_views(plain_views(stored.crops[indices], 32), torch.tensor([True]))
    torch.testing.assert_close(
        stored.views(indices, geometry), crops_as_stored(stored, indices).flip(3), atol=1e-5, rtol=0
    )


def test_augmented_views_change_colours_before_they_cut(stored):
    indices = torch.tensor([0, 4])
    geometry = plain_views(stored.crops[indices], 32)
    same = augmented(stored, indices, geometry, UNCHANGED)
    torch.testing.assert_close(same, stored.views(indices, geometry), atol=1e-5, rtol=0)
    darker = UNCHANGED.model_copy(update={"brightness": (0.5, 0.5), "brightness_per_channel_probability": 0.0})
    halved = augmented(stored, indices, geometry, darker)
    torch.testing.assert_close(halved, same / 2, atol=1e-5, rtol=0)


def test_augmenting_leaves_the_store_as_it_is(stored):
    before = stored.pixels.clone()
    indices = torch.arange(len(stored))
    augmented(stored, indices, plain_views(stored.crops, 32), AugmentationSettings())
    assert torch.equal(stored.pixels, before)


def test_a_store_on_disk_opens_with_crops_in_its_own_pixels(tmp_path, build_store, faces):
    written = build_store(faces(2), crops=[(10, 12, 34, 36)] * 2, windows=[(6, 8, 40, 40)] * 2)
    write_store(tmp_path / "store", written)
    images = stored_images(read_store(tmp_path / "store"), CPU)
    assert len(images) == 2
    assert images.device == CPU
    assert images.crops.tolist() == [[4.0, 4.0, 28.0, 28.0]] * 2
    assert images.stored_size.tolist() == [[34.0, 32.0]] * 2
    np.testing.assert_array_equal(images.read(torch.tensor([1]))[0, :32, :34], written.images[1, :32, :34])


def test_what_is_seen_of_an_image_does_not_depend_on_a_larger_one_beside_it(faces):
    (image,) = faces(1)
    blurred = UNCHANGED.model_copy(update={"blur_probability": 1.0, "blur_sigma_px": (0.5, 0.5)})

    def seen(pixels):
        crops, size = torch.tensor([[0.0, 0.0, 40.0, 40.0]]), torch.tensor([[40.0, 40.0]])
        stored = StoredImages(torch.from_numpy(pixels[None]), crops, size)
        return augmented(stored, torch.tensor([0]), plain_views(crops, 64), blurred)

    torch.testing.assert_close(seen(filled_up(image, 60, 50)), seen(image), atol=2e-4, rtol=0)
