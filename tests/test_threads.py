import faiss
import numpy as np
import pytest
import torch

from landmark_discovery.clustering.kmeans import assign, kmeans
from landmark_discovery.config.training import ClusteringSettings
from landmark_discovery.threads import CPU_THREADS, fixed_faiss_threads


@pytest.fixture
def one_thread():
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_faiss_computes_with_a_fixed_number_of_threads_and_gets_its_own_back_even_after_an_error():
    def fail():
        with fixed_faiss_threads():
            assert faiss.omp_get_max_threads() == CPU_THREADS
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert faiss.omp_get_max_threads() == 1


def test_clusters_are_the_same_bytes_whatever_the_threads_of_the_process():
    descriptors = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)
    found = []
    for threads in (1, 2, 5):
        faiss.omp_set_num_threads(threads)
        centroids = kmeans(descriptors, 10, ClusteringSettings(iterations=5), device=torch.device("cpu"))
        found.append((centroids.tobytes(), assign(descriptors, centroids)[1].tobytes()))
    assert found[0] == found[1] == found[2]
