"""Tiny copies of the paper's downloads, true to their names, layouts and formats.

Faces are pairs of an RGB image of any size and its 68 points (68, 2); they are resized to the size of the data set.
"""

import io
import pickle
import struct
import tarfile
import zipfile
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.io

CELEBA_SIZE = (178, 218)
LS3D_SIZE = (450, 450)
FIVE_POINTS_HEADER = (
    "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
)
# Left to right in the image: both eyes, the tip of the nose, both corners of the mouth.
FIVE_OF_68 = (range(36, 42), range(42, 48), (30,), (48,), (54,))


@dataclass(frozen=True)
class FakeImage:
    """What an archive holds of one face: its name there, the bytes of the JPEG, and its points in image pixels."""

    name: str
    jpeg: bytes
    points: np.ndarray

    @property
    def box(self):
        return np.concatenate([self.points.min(axis=0) - 3.25, self.points.max(axis=0) + 2.5])

    @property
    def five_points(self):
        return np.array([np.round(self.points[list(group)].mean(axis=0)) for group in FIVE_OF_68])


def blank_faces(count, size=(40, 48)):
    """Make images of one colour each, with points that are spread over the middle and differ from face to face."""
    width, height = size
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [
        (
            np.full((height, width, 3), (20 * index) % 256, dtype=np.uint8),
            np.array([width, height]) * (0.5 + (0.25 + 0.005 * index) * circle),
        )
        for index in range(count)
    ]


def write_celeba_downloads(
    folder,
    faces,
    *,
    mafl_train,
    mafl_test,
    archive="celeba.zip",
    inner="img_align_celeba_hq",
    protocol=2,
    partition=None,
):
    """Write every download of CelebA and MAFL.

    The last faces are MAFL's test images and those before them its training images. Of ten faces the ninth is of
    partition 1 and the tenth of partition 2, unless `partition` gives a number for each face.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = [fake_image(f"{number:06d}.jpg", face, CELEBA_SIZE) for number, face in enumerate(faces, start=1)]
    parts = partition or [max(0, index % 10 - 7) for index in range(len(images))]
    measured = images[len(images) - mafl_train - mafl_test :]
    members = {f"celeba/Img/{inner}/{image.name}": image.jpeg for image in images}
    write_archive(folder / archive, {"celeba/README.txt": b"not an image", **members})
    lines = [f"{image.name} {part}\r\n" for image, part in zip(images, parts, strict=True)]
    write_bytes(folder / "list_eval_partition.txt", "".join(lines))
    write_bytes(folder / "mafl_training.txt", "\n".join(image.name for image in measured[:mafl_train]))
    write_bytes(folder / "mafl_testing.txt", "\n".join(image.name for image in measured[mafl_train:]))
    write_bytes(folder / "list_landmarks_align_celeba.txt", five_points_list(images))
    write_pickle(folder / "CelebABoundingBoxes.pickle", {image.name: image.box for image in images}, protocol)
    points = {image.name: image.points for image in measured}
    write_pickle(folder / "MaflGroundtruthLandmarks.pickle", points, protocol)
    return images


def write_ls3d_downloads(folder, faces, *, test, protocol=2, sets=("HELEN", "AFW")):
    """Write every download of LS3D: the last faces are LS3D-W's, the others stand twice in 300W-LP, once mirrored.

    Returns the images of 300W-LP, in the order of the authors' pickle and by their keys in it, and those of LS3D-W.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known, tested = faces[: len(faces) - test], faces[len(faces) - test :]
    training, members = [], {}
    for index, face in enumerate(known):
        collection = sets[index % len(sets)]
        image = fake_image(f"{collection}/{collection}_{index}_0.jpg", face, LS3D_SIZE)
        twin = mirrored_image(image, face)
        members |= {f"300W_LP/{one.name}": one.jpeg for one in (image, twin)}
        members[f"300W_LP/landmarks/{image.name.removesuffix('.jpg')}_pts.mat"] = matlab_bytes(image.points)
        training += [image, twin]
    # Neither sorted nor the order of the archive.
    training.reverse()
    write_archive(folder / "300W-LP.zip", members)
    write_pickle(folder / "300W_LPBoundingBoxes.pickle", {image.name: image.box for image in training}, protocol)
    tests = [fake_image(f"{index}.jpg", face, LS3D_SIZE) for index, face in enumerate(tested, start=1)]
    members = {f"new_dataset/{image.name}": image.jpeg for image in tests}
    members |= {f"new_dataset/{image.name.removesuffix('.jpg')}.t7": torch7_bytes(image.points) for image in tests}
    write_archive(folder / "LS3D-W-balanced-20-03-2017.zip", members)
    return training, tests


def fake_image(name, face, size):
    image, points = face
    height, width = image.shape[:2]
    scaled = (np.asarray(points, dtype=np.float64) + 0.5) * (size[0] / width, size[1] / height) - 0.5
    return FakeImage(name, jpeg_bytes(cv2.resize(image, size, interpolation=cv2.INTER_AREA)), scaled)


def mirrored_image(image, face):
    """Give the `_Flip` twin; its points are mirrored as 300W-LP has it and not reordered."""
    collection, name = image.name.split("/")
    jpeg = fake_image("", (np.ascontiguousarray(face[0][:, ::-1]), face[1]), LS3D_SIZE).jpeg
    return FakeImage(f"{collection}_Flip/{name}", jpeg, image.points * (-1, 1) + (450, 0))


def jpeg_bytes(image):
    return cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()


def matlab_bytes(points):
    file = io.BytesIO()
    scipy.io.savemat(file, {"pts_2d": points + 1, "pts_3d": points})
    return file.getvalue()


def torch7_bytes(storage, sizes=None, strides=None, first=1, kind="Double", numbers=(1, 2)):
    """Write what torch.save of Lua Torch does for a tensor: `storage` is laid out in a row."""
    storage = np.asarray(storage)
    sizes = storage.shape if sizes is None else sizes
    strides = [int(np.prod(sizes[axis + 1 :])) for axis in range(len(sizes))] if strides is None else strides
    element = {"Byte": "B", "Char": "b", "Short": "h", "Int": "i", "Long": "q", "Float": "f", "Double": "d"}[kind]
    flat = storage.ravel().tolist()
    data = torch7_head(numbers[0], f"torch.{kind}Tensor") + struct.pack("<i", len(sizes))
    data += struct.pack(f"<{2 * len(sizes)}q", *sizes, *strides) + struct.pack("<q", first)
    data += torch7_head(numbers[1], f"torch.{kind}Storage") + struct.pack("<q", len(flat))
    return data + struct.pack(f"<{len(flat)}{element}", *flat)


def torch7_head(number, name, version="V 1"):
    """Write the start of an object: its type, its number, the version and its class."""
    texts = b"".join(struct.pack("<i", len(text)) + text.encode() for text in (version, name))
    return struct.pack("<ii", 4, number) + texts


def five_points_list(images):
    rows = [f"{image.name} {' '.join(f'{number:4.0f}' for number in image.five_points.ravel())}" for image in images]
    return "\n".join([str(len(images)), f"{FIVE_POINTS_HEADER} ", *rows]) + "\n"


def write_bytes(path, text):
    path.write_bytes(text.encode())


def write_pickle(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))


def write_archive(path, members):
    """Write a .zip or .tar.gz of these files, with their folders as members where tar has them."""
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for folder in sorted({name.rsplit("/", 1)[0] for name in members}):
            info = tarfile.TarInfo(f"./{folder}")
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        for name, content in members.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
