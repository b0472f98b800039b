"""The model card: what a model file is, how it was made, how good it is, and what it may be used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from landmark_discovery.config.detectors import DETECTORS
from landmark_discovery.config.schema import Config
from landmark_discovery.downloads.licences import LICENCES, Licence
from landmark_discovery.errors import UserError
from landmark_discovery.inference.package import Model
from landmark_discovery.text_tables import markdown_table

# Landmarks that fewer of the test images have are named.
OFTEN = 0.9
_FIGURES = ("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme", "distinct_landmarks")
_ORIGIN = {
    "synthetic": "Faces drawn by the program itself from a 3-D model; no photograph and no person is in them.",
    "folder": "The user's own images.",
    "celeba": "CelebA's training images, without the test images of its subset MAFL, on which the model is measured.",
    "ls3d": "300W-LP; measured on LS3D-W balanced.",
}
_LIMITS = (
    "A landmark is the same place on every object, not a named part; the galleries of the report show what it means.",
    "One object an image, in a box or filling it. Every landmark is always given; a low score tells of doubt.",
    "Objects, cameras and views unlike those of the training images are out of its reach; nothing here measures them.",
    "Where images show people: it finds places on faces, it doesn't identify anybody, and must not be used to.",
)
_CITATION = """\
    @article{mallis2023keypoints,
      title   = {From Keypoints to Object Landmarks via Self-Training Correspondence:
                 A Novel Approach to Unsupervised Landmark Discovery},
      author  = {Mallis, Dimitrios and Sanchez, Enrique and Bell, Matt and Tzimiropoulos, Georgios},
      journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
      year    = {2023},
      note    = {arXiv 2205.15895}
    }"""


_ONE_SEED = "The figures are of one training run with one seed; other seeds find other landmarks."


def model_card(model: Model, metrics: Mapping[str, Any], config: Config, cards: Sequence[Mapping[str, Any]]) -> str:
    """Write the card of a model as Markdown.

    Args:
        model: the packaged detector.
        metrics: of stage 2, as metrics.json has them.
        config: of the experiment, all keys.
        cards: facts of the prepared data set, or of two the one that trained and the one that it is measured on.

    Returns:
        The card; equal arguments give equal texts.

    Raises:
        UserError: metrics that lack a figure, or are of another number of landmarks.
    """
    _check_metrics(model, metrics)
    parts = [
        f"# {model.num_landmarks} landmarks of `{config.dataset.name}` ({config.experiment})",
        _purpose(model),
        "## Data",
        *_data(config, cards),
        "## Training",
        *_training(model, config),
        "## Figures",
        *_figures(metrics),
        "## Limits",
        _listed([*_rarely_found(metrics), *_LIMITS, *([] if config.pretrained else [_ONE_SEED])]),
        "## Licences",
        *_licences(model, config),
        "## Citation",
        "The method:",
        _CITATION,
    ]
    return "\n\n".join(parts) + "\n"


def _purpose(model: Model) -> str:
    return (
        f"Finds {model.num_landmarks} places on an object of the kind that it was trained on, learnt without any "
        "annotation.\n\n"
        "    landmarks predict --weights model.safetensors photos/ --output found/"
    )


def _check_metrics(model: Model, metrics: Mapping[str, Any]) -> None:
    wanted = ["ground_truth", "num_landmarks"]
    wanted += [*_FIGURES, "num_test_images", "definitions"] if metrics.get("ground_truth") else []
    missing = [name for name in wanted if name not in metrics]
    if missing:
        raise UserError(f"the metrics lack {missing[0]}", remedy="give metrics.json of `landmarks evaluate`")
    if metrics.get("stage") == 1:
        raise UserError(
            "the metrics are of stage 1", remedy="give evaluation/stage2/metrics.json: the model is stage 2's"
        )
    if metrics["num_landmarks"] != model.num_landmarks:
        raise UserError(
            f"metrics of {metrics['num_landmarks']} landmarks, a model of {model.num_landmarks}",
            remedy="give those of the same experiment",
        )


def _data(config: Config, cards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    training, evaluation = cards[0], cards[-1]
    points = evaluation.get("points")
    lines = [
        f"{training['train_images']:,} images to train, {evaluation['test_images']:,} others to test.",
        *_left_out(cards),
        f"{points} true points an image, used to measure and never to train." if points else "No true points.",
    ]
    if config.pretrained:
        lines[0] = (
            f"How many images the authors trained on stands in their paper; {evaluation['test_images']:,} others test, "
            f"and {evaluation['train_images']:,} fit the regression of the figures."
        )
    yield _ORIGIN[config.dataset.kind]
    yield _listed(lines)


def _left_out(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    counts = {
        "because they can't be read": sum(len(card.get("dropped", ())) for card in cards),
        "because samples.csv doesn't list them": sum(card.get("unlisted_images", 0) for card in cards),
    }
    lines = [f"{count:,} images were left out {reason}." for reason, count in counts.items() if count]
    return lines or ["No image was left out."]


def _training(model: Model, config: Config) -> Iterator[str]:
    parameters = sum(parameter.numel() for parameter in model.weights.network.parameters())
    network = f"Hourglass network of {parameters:,} parameters, input {model.size_px} x {model.size_px} pixels."
    if config.pretrained:
        yield _listed([network, "The weights are those that the method's authors published, converted."])
        return
    yield _listed(
        [
            network,
            f"Bootstrap: keypoints of {DETECTORS[config.bootstrap.detector].title}.",
            f"Stage 1: {config.stage1.iterations:,} iterations; stage 2: {config.stage2.iterations:,}. "
            f"Recipe `{config.recipe}`, seed {config.seed}.",
            f"Made by landmark-discovery {model.weights.facts.get('version', 'of an unknown version')}; keys stand in "
            "`config.yaml`, code, machine and inputs in `provenance.json` of the experiment.",
        ]
    )


def _figures(metrics: Mapping[str, Any]) -> Iterator[str]:
    if not metrics["ground_truth"]:
        yield "The data set has no true points, so that nothing could be measured."
        return
    images = metrics["num_test_images"]
    yield f"Stage 2, on {images:,} test images; errors in percent, lower is better; `null`: not defined."
    rows = [(name, _figure(metrics[name]), metrics["definitions"][name]) for name in _FIGURES]
    yield markdown_table(("figure", "value", "definition"), rows)


def _figure(value: float | None) -> str:
    if value is None:
        return "null"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _rarely_found(metrics: Mapping[str, Any]) -> list[str]:
    rates = enumerate(metrics.get("detection_rate") or ())
    rare = [f"{number} ({100 * rate:.1f} %)" for number, rate in rates if rate < OFTEN]
    return (
        [f"Landmarks that fewer than {100 * OFTEN:.0f} % of the test images have: {', '.join(rare)}."] if rare else []
    )


def _licences(model: Model, config: Config) -> Iterator[str]:
    known = [LICENCES[key] for key in model.about.get("licences", ()) if key in LICENCES]
    yield "What the weights may be used for depends on what they were made from:"
    yield _listed([*map(_licence, known), *_packaged_weights(config), *_own_images(config), "The program: MIT."])


def _licence(licence: Licence) -> str:
    return f"{licence.title}: {licence.terms} ([terms]({licence.address}))."


def _packaged_weights(config: Config) -> list[str]:
    detector = DETECTORS[config.bootstrap.detector]
    if config.pretrained or detector.licence is None:
        return []
    return [f"{detector.title}'s weights: {detector.licence}."]


def _own_images(config: Config) -> list[str]:
    if config.dataset.kind == "folder":
        return ["The user's images: their licence isn't known to this program; add it here."]
    return ["The drawn faces: free."] if config.dataset.kind == "synthetic" else []


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
