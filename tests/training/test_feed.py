import dataclasses
import itertools
import threading
from itertools import islice

import pytest
import torch

from landmark_discovery.training.feed import READ_AHEAD, feed
from landmark_discovery.training.images import StoredImages

# Rows of a table that leaves out image 2 and names the others in an order of its own.
IMAGE_OF_ROW = torch.tensor([5, 0, 3, 1, 4])


@dataclasses.dataclass(frozen=True)
class NotResident(StoredImages):
    """Images that are read ahead by threads, as those that don't fit on a GPU; reading one of them may fail."""

    broken: int | None = None

    @property
    def resident(self):
        return False

    def read_host(self, indices):
        if self.broken in indices.tolist():
            raise OSError(f"image {self.broken} can't be read")
        return super().read_host(indices)


@pytest.fixture
def distant(stored):
    return lambda broken=None: NotResident(stored.pixels, stored.crops, stored.stored_size, broken=broken)


def batches(count, size=3):
    return [torch.randint(len(IMAGE_OF_ROW), (size,), generator=torch.Generator().manual_seed(n)) for n in range(count)]


def reading_threads():
    return [thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name]


@pytest.mark.parametrize("count", [0, 1, READ_AHEAD - 1, READ_AHEAD, 3 * READ_AHEAD])
def test_resident_images_and_images_read_ahead_give_the_same_batches_in_the_same_order(stored, distant, count):
    expected = [(rows, stored.pixels[IMAGE_OF_ROW[rows]]) for rows in batches(count)]
    for images in (stored, distant()):
        given = list(feed(images, IMAGE_OF_ROW, batches(count)))
        assert len(given) == count
        for batch, (rows, pixels) in zip(given, expected, strict=True):
            assert torch.equal(batch.rows, rows)
            assert torch.equal(batch.pixels, pixels)
            assert batch.pixels.dtype == torch.uint8


def test_batches_without_end_are_read_only_a_few_ahead(distant):
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield torch.tensor([number % 5])

    given = [batch.rows.item() for batch in islice(feed(distant(), IMAGE_OF_ROW, endless()), 7)]
    assert given == [0, 1, 2, 3, 4, 0, 1]
    assert len(taken) == 7 + READ_AHEAD - 1


@pytest.mark.parametrize("broken", [5, 4])
def test_an_image_that_can_not_be_read_is_an_error(distant, broken):
    with pytest.raises(OSError, match=f"image {broken} can't be read"):
        list(feed(distant(broken), IMAGE_OF_ROW, [torch.tensor([row]) for row in range(5)]))
    assert not reading_threads()


def test_batches_before_an_image_that_can_not_be_read_are_given(distant):
    running = feed(distant(broken=4), IMAGE_OF_ROW, [torch.tensor([row]) for row in range(5)])
    assert [batch.rows.item() for batch in islice(running, 4)] == [0, 1, 2, 3]
    with pytest.raises(OSError, match="can't be read"):
        next(running)


def test_training_that_stops_early_leaves_no_thread_behind(distant):
    running = feed(distant(), IMAGE_OF_ROW, batches(20))
    next(running)
    assert reading_threads()
    running.close()
    assert not reading_threads()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gets_the_same_batches_from_its_own_memory_and_from_the_hosts(stored):
    crops, size = stored.crops.cuda(), stored.stored_size.cuda()
    resident, on_host = StoredImages(stored.pixels.cuda(), crops, size), StoredImages(stored.pixels, crops, size)
    assert resident.resident
    assert not on_host.resident
    pairs = zip(*(feed(images, IMAGE_OF_ROW, batches(12)) for images in (resident, on_host)), strict=True)
    for (own, received), rows in zip(pairs, batches(12), strict=True):
        assert torch.equal(own.rows.cpu(), rows)
        assert torch.equal(received.rows.cpu(), rows)
        assert torch.equal(own.pixels, received.pixels)
        assert torch.equal(own.pixels.cpu(), stored.pixels[IMAGE_OF_ROW[rows]])
