"""ImageNet (Russakovsky and others 2015): folders train and val, in each a folder for each class, in that the images.

The folders' names are the classes, in the order of the alphabet. An image is read when it is asked for: its shorter
side is made `RESIZED` pixels long, and the middle 224 x 224 are taken, as usual in evaluation. To learn from, a
rectangle can be drawn instead, of `AREA` of the image and `RATIO` in width over height, and made 224 x 224, as
torchvision's RandomResizedCrop does by default. Pillow reads the images: the extra experiments has it.
"""

import warnings
from functools import partial

import numpy as np

from .reading import DataError, files_of, folder_of, subfolders
from .sets import DataSet, Licence, Split

SIDE, RESIZED = 224, 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ENDINGS = (".jpeg", ".jpg", ".png")
MOST_PIXELS = 2**26
AREA, RATIO, TRIES = (0.08, 1.0), (3 / 4, 4 / 3), 10
LICENCE = Licence("non-commercial research and education, by its terms of access", "the page of ImageNet")


def imagenet(folder):
    """ImageNet: images of 1,000 classes (or of as many as there are folders), [3, 224, 224]."""
    folder = folder_of(folder, "imagenet")
    classes = tuple(path.name for path in subfolders(folder_of(folder / "train", "imagenet"), "imagenet"))
    splits = {name: _split(folder / part, classes) for name, part in (("train", "train"), ("test", "val"))}
    return DataSet("imagenet", LICENCE, classes, (3, SIDE, SIDE), "images", splits, largest=255)


def _split(folder, classes):
    found = tuple(path.name for path in subfolders(folder_of(folder, "imagenet"), "imagenet"))
    if found != classes:
        strange = sorted(set(found) ^ set(classes))
        raise DataError(f"{folder} must have the classes of train, and differs in {', '.join(strange[:5])}")
    paths, labels = [], []
    for label, name in enumerate(classes):
        images = sorted(files_of(folder / name, lambda path: path.suffix.lower() in ENDINGS))
        if not images:
            raise DataError(f"{folder / name} must hold images, {', '.join(ENDINGS)}, and holds none")
        paths += images
        labels += [label] * len(images)
    return Split(np.array(labels, np.int64), partial(_read, paths), partial(_draw, paths))


def _read(paths, place):
    return read(paths[place])


def _draw(paths, place, rng):
    return read(paths[place], rng)


def read(path, rng=None):
    """The middle of an image, or with an rng a drawn part, uint8 [3, 224, 224]; DataError that names the file."""
    try:
        from PIL import Image  # here: it is an extra
    except ImportError:
        raise DataError(f"{path} needs Pillow, which is not installed: pip install pillow") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of images that are so large that they may be an attack
            with Image.open(path, formats=("JPEG", "PNG")) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise DataError(f"{path} must have at most {MOST_PIXELS} pixels, and says {width} x {height}")
                scale = RESIZED / min(width, height)
                size = max(SIDE, round(width * scale)), max(SIDE, round(height * scale))
                if max(size) > 64 * RESIZED:
                    raise DataError(f"{path} must be no strip, and says {width} x {height}")
                if rng is None:
                    box = None
                else:
                    box, size = drawn_box(width, height, rng), (SIDE, SIDE)
                small = image.convert("RGB").resize(size, Image.Resampling.BILINEAR, box)
    except DataError:
        raise
    except Exception as error:  # Pillow raises nearly anything for a broken image
        raise DataError(f"{path} must be an image: {error}") from None
    left, top = (small.width - SIDE) // 2, (small.height - SIDE) // 2
    middle = np.asarray(small.crop((left, top, left + SIDE, top + SIDE)), np.uint8)
    return np.ascontiguousarray(middle.transpose(2, 0, 1))


def drawn_box(width, height, rng):
    """A rectangle of an image (left, top, right, bottom), drawn by its area and ratio; the middle if none fits."""
    for _ in range(TRIES):
        area, ratio = width * height * rng.uniform(*AREA), np.exp(rng.uniform(*np.log(RATIO)))
        wide, tall = round(np.sqrt(area * ratio)), round(np.sqrt(area / ratio))
        if 0 < wide <= width and 0 < tall <= height:
            left, top = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - tall + 1))
            return left, top, left + wide, top + tall
    wide, tall = min(width, round(height * RATIO[1])), min(height, round(width / RATIO[0]))
    left, top = (width - wide) // 2, (height - tall) // 2
    return left, top, left + wide, top + tall
