import torch

from landmark_discovery.models.superpoint import NORMALISED_LAYERS, NormalisedSuperPoint, SuperPoint


def trained_a_little():
    torch.manual_seed(0)
    network = NormalisedSuperPoint().train()
    for _ in range(3):
        network(torch.rand(2, 1, 32, 40) * 2 - 0.5)  # moves means and deviations away from 0 and 1
    for norm in network.norms.values():
        torch.nn.init.normal_(norm.weight, 1.0, 0.2)
        torch.nn.init.normal_(norm.bias, 0.0, 0.2)
    return network


def test_the_folded_network_is_the_same_function_as_the_normalised_one():
    network, images = trained_a_little(), torch.rand(2, 1, 32, 40)
    expected = network.eval()(images)
    for found, wanted in zip(network.folded()(images), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def test_the_folded_network_has_the_parameters_of_superpoint_and_no_others():
    folded = trained_a_little().folded()
    assert type(folded) is SuperPoint
    expected = {name: value.shape for name, value in SuperPoint().state_dict().items()}
    assert {name: value.shape for name, value in folded.state_dict().items()} == expected


def test_folding_leaves_the_trained_network_as_it_was():
    network = trained_a_little()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.folded()
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_every_convolution_before_a_rectifier_is_normalised():
    assert set(NORMALISED_LAYERS) == {
        name.removesuffix(".weight") for name, _ in SuperPoint().named_parameters() if name.endswith(".weight")
    } - {"convPb", "convDb"}
