"""The landmark detector as one ONNX file: from stored images to landmarks, decoding included."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from landmark_discovery.data.cutting import CutRule
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file
from landmark_discovery.heatmaps.shape_prior import SeenView, ShapePrior, read_views
from landmark_discovery.inference.package import Model
from landmark_discovery.models.layers import PLAIN
from landmark_discovery.training.keypoints import from_grid
from landmark_discovery.training.prediction import TURNS, average_with_mirrored, seen_view
from landmark_discovery.training.views import ViewGeometry, plain_views, sample_views, turned_views
from landmark_discovery.training.weights import FORMAT

if TYPE_CHECKING:
    import onnx

# The lowest that the exporter writes without rewriting the graph.
OPSET = 18
INPUTS = ("images", "sizes", "crops")
OUTPUTS = ("landmarks", "scores")
_SHAPES: Mapping[str, tuple[str | int, ...]] = {
    "images": ("batch", "height", "width", 3),
    "sizes": ("batch", 2),
    "crops": ("batch", 4),
    "landmarks": ("batch", "landmarks", 2),
    "scores": ("batch", "landmarks"),
}
# As the graph's attribute for it is called.
_PARAMETERS = "network."
_PRIOR = ("prior_mean", "prior_weights", "prior_deviation")
_REMEDY = "make it anew with `landmarks export-onnx`"


@dataclass(frozen=True)
class OnnxModel:
    """Hold an ONNX file of ours.

    Attributes:
        content: its bytes.
        num_landmarks: K.
        rule: how boxes become crops.
        offset_px: added to landmarks in original pixels, in x and y, by whoever wants the numbers of the pipeline: 0,
            or 0.5 for the authors' own weights, whose whole numbers are corners of pixels.
        about: data and licences, as in `Model`.
    """

    content: bytes
    num_landmarks: int
    rule: CutRule
    offset_px: float
    about: Mapping[str, Any]


class LandmarkGraph(nn.Module):
    """Find landmarks as `training.prediction.predict_stage2` does, in a form that can be exported.

    Args:
        model: weights of stage 2 and how they are read.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        # A copy as it was read: whoever predicts with the model lays it out, and computes in it, as is fast there.
        self.network = deepcopy(model.weights.network).to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.network.use_layers(PLAIN)
        self.convention = model.weights.convention
        self.size_px = model.size_px
        self.turns = TURNS if model.decoding.average_turned_views else TURNS[:1]
        self.subpixel = model.decoding.subpixel
        self.register_buffer("flip_map", torch.from_numpy(model.flip_map))
        self.has_prior = model.prior is not None
        if model.prior is not None:
            for name in _PRIOR:
                self.register_buffer(name, getattr(model.prior, name.removeprefix("prior_")))

    def forward(self, images: Tensor, sizes: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Find the landmarks of stored images.

        Args:
            images: uint8 RGB (B, H, W, 3); each fills the top left of its array.
            sizes: width and height that each fills, (B, 2), float32.
            crops: the part that the network sees, (B, 4), float32 pixels of these images.

        Returns:
            Landmarks (B, K, 2) in pixels of these images, whole numbers at pixel centres, and scores (B, K).
        """
        plain = plain_views(crops, self.size_px)
        pixels = images.permute(0, 3, 1, 2).float()
        seen = [self._seen(pixels, sizes, turned_views(plain, *turn), plain) for turn in self.turns]
        found, scores = read_views(seen, self.subpixel, self._prior())
        return plain.to_store(from_grid(self.convention.to_centres(found))), scores

    def _seen(self, pixels: Tensor, sizes: Tensor, geometry: ViewGeometry, plain: ViewGeometry) -> SeenView:
        """Give the heatmaps of one view, averaged with those of its mirror image."""
        views = sample_views(pixels, sizes, geometry) / 255
        (maps,) = self.network(torch.cat([views, views.flip(3)]))
        # Sliced by a count that stays open: the exporter can't see that halves of a batch are two.
        count = views.shape[0]
        flip_map = self.get_buffer("flip_map")
        return seen_view(average_with_mirrored(maps[:count], maps[count:], flip_map, self.convention), geometry, plain)

    def _prior(self) -> ShapePrior | None:
        return ShapePrior(*map(self.get_buffer, _PRIOR)) if self.has_prior else None


def export_onnx(model: Model, path: str | Path) -> None:
    """Write the detector as ONNX with decoding in the graph, whole or not at all; equal models give equal bytes.

    Its inputs and outputs are those of `LandmarkGraph.forward`, their names INPUTS and OUTPUTS; batch, height and
    width are open. What else its use needs stands as JSON in its metadata, under the name of our format.

    Raises:
        UserError: the file can't be written.
    """
    exported = _exported(LandmarkGraph(model).eval())
    _strip(exported)
    _name_shapes(exported, model.num_landmarks)
    exported.producer_name, exported.producer_version = FORMAT, str(model.weights.facts.get("version", ""))
    entry = exported.metadata_props.add()
    entry.key, entry.value = FORMAT, json.dumps(_facts(model), sort_keys=True)
    with atomic_file(path) as temporary:
        temporary.write_bytes(exported.SerializeToString(deterministic=True))


def read_onnx(path: str | Path) -> OnnxModel:
    """Read an ONNX file that `export_onnx` wrote; its graph isn't looked at.

    Raises:
        UserError: no such file, not ONNX, or not one of ours.
    """
    import onnx

    try:
        content = Path(path).read_bytes()
        entries = {entry.key: entry.value for entry in onnx.load_model_from_string(content).metadata_props}
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy=_REMEDY) from error
    except Exception as error:  # protobuf's own kinds
        raise UserError("not an ONNX file, or a damaged one", where=path, remedy=_REMEDY) from error
    if FORMAT not in entries:
        raise UserError("an ONNX file, but not one of ours", where=path, remedy=_REMEDY)
    try:
        facts = json.loads(entries[FORMAT])
        rule, offset = CutRule.from_facts(facts["cut"]), float(facts["offset_px"])
        return OnnxModel(content, int(facts["num_landmarks"]), rule, offset, dict(facts["about"]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError("its description of how to use it can't be read", where=path, remedy=_REMEDY) from error


def _facts(model: Model) -> dict[str, Any]:
    return {
        "num_landmarks": model.num_landmarks,
        "input_size_px": model.size_px,
        "cut": vars(model.rule),
        "flip_map": model.flip_map.tolist(),
        "subpixel": model.decoding.subpixel,
        "average_turned_views": model.decoding.average_turned_views,
        "shape_prior": model.decoding.shape_prior,
        "offset_px": model.weights.convention.first_centre,
        "about": dict(model.about),
    }


def _exported(graph: LandmarkGraph) -> onnx.ModelProto:
    batch, height, width = map(torch.export.Dim, ("batch", "height", "width"))
    # Three unequal numbers other than 0 and 1, which would stand in the graph as constants.
    count, rows, columns = 3, 40, 50
    example = (
        torch.zeros(count, rows, columns, 3, dtype=torch.uint8),
        torch.tensor([[columns, rows]] * count, dtype=torch.float32),
        torch.tensor([[1, 2, columns - 5, rows - 3]] * count, dtype=torch.float32),
    )
    shapes = {"images": {0: batch, 1: height, 2: width}, "sizes": {0: batch}, "crops": {0: batch}}
    with _quiet_exporter():
        program = torch.export.export(graph, example, dynamic_shapes=shapes, strict=True)
        written = torch.onnx.export(
            program,
            input_names=INPUTS,
            output_names=OUTPUTS,
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    if written is None:
        raise RuntimeError("the exporter gave no program")
    proto: onnx.ModelProto = written.model_proto
    return proto


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep the exporter from telling which packages it could have used, and what will be deprecated in it."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _strip(exported: onnx.ModelProto) -> None:
    """Remove what tells of the exporting program, such as the folders of this machine."""
    graph = exported.graph
    for part in (exported, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("value_info")
    graph.name = FORMAT
    _number(graph)


def _number(graph: onnx.GraphProto) -> None:
    """Number what has no name of ours: the exporter's numbers depend on what the process exported before."""
    kept = {value.name for value in (*graph.input, *graph.output)}
    kept |= {tensor.name for tensor in graph.initializer if tensor.name.startswith(_PARAMETERS)}
    made = [*(tensor.name for tensor in graph.initializer), *(name for node in graph.node for name in node.output)]
    names = {name: f"value_{number}" for number, name in enumerate(made) if name and name not in kept}
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _name_shapes(exported: onnx.ModelProto, num_landmarks: int) -> None:
    for value in (*exported.graph.input, *exported.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        for dimension, name in zip(dimensions, _SHAPES[value.name], strict=True):
            if isinstance(name, int) or name == "landmarks":
                dimension.dim_value = num_landmarks if name == "landmarks" else int(name)
            else:
                dimension.dim_param = name
