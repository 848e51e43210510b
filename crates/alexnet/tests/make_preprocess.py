"""Writes reference/preprocess.safetensors: photographs resized and cropped as torchvision (on Pillow) and OpenCV do, and
reference/*.{png,jpg}, small images of unusual kinds with what Pillow's `convert("RGB")` makes of them.

    pip install torch torchvision pillow "opencv-python-headless<5" safetensors numpy
    python make_preprocess.py

Of each result every fourth row is kept, as uint8 [rows, width, 3], RGB.
"""

import pathlib

import cv2
import numpy as np
from PIL import Image
from safetensors.numpy import save_file
from torchvision import transforms

here = pathlib.Path(__file__).parent
photos = here.parent.parent.parent / "fixtures" / "photos"
reference = here / "reference"
tensors = {}


def keep(name, pixels):
    tensors[name] = np.ascontiguousarray(np.asarray(pixels)[::4])


def torchvision(image, size, crop):
    resize = transforms.Resize(size, transforms.InterpolationMode.BILINEAR)
    return transforms.CenterCrop(crop)(resize(image))


def opencv(image, side, crop):
    """What Caffe's convert_imageset does: squeezed to a square. An odd remainder of the crop is halved to even."""
    squeezed = cv2.resize(np.asarray(image), (side, side))
    offset = round((side - crop) / 2)
    return squeezed[offset : offset + crop, offset : offset + crop]


for path in sorted(photos.glob("*.*")):
    if path.suffix in (".png", ".jpg"):
        image = Image.open(path).convert("RGB")
        keep(f"torchvision/{path.name}", torchvision(image, 256, 224))
        keep(f"opencv/{path.name}", opencv(image, 256, 227))

# Odd sizes: enlarged, hardly changed, much reduced, and remainders of the crop that are odd.
cat = Image.open(photos / "cat.png").convert("RGB")
for width, height in [(37, 23), (23, 37), (256, 256), (255, 300), (450, 257), (300, 64), (31, 299)]:
    part = cat.crop((0, 0, width, height))
    for size, crop in [(64, 57), (40, 40), (300, 61)]:
        keep(f"torchvision/{width}x{height}/{size}/{crop}", torchvision(part, size, crop))
        keep(f"opencv/{width}x{height}/{size}/{crop}", opencv(part, size, crop))

# Pillow reads colour of 16 bits by its high byte.
ramp = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1040
cv2.imwrite(str(reference / "rgb16.png"), np.stack([ramp, ramp // 2, ramp // 3], axis=-1))
cv2.imwrite(str(reference / "rgba16.png"), np.stack([ramp, ramp // 2, ramp // 3, 65535 - ramp], axis=-1))
small = cat.resize((8, 8))
small.convert("LA").save(reference / "grey-alpha.png")
small.convert("1").save(reference / "bilevel.png")
palette = small.quantize(7)
palette.save(reference / "palette.png", transparency=3)
part = cat.crop((100, 50, 148, 98))
part.convert("CMYK").save(reference / "cmyk.jpg", quality=95)
part.convert("L").save(reference / "grey.jpg", quality=95)
part.save(reference / "progressive.jpg", quality=95, progressive=True)
rotated = Image.Exif()
rotated[0x0112] = 6  # orientation: show it turned by 90 degrees, which neither Pillow nor torchvision does unasked
part.save(reference / "turned.jpg", quality=95, exif=rotated)
for path in sorted(reference.glob("*.png")) + sorted(reference.glob("*.jpg")):
    keep(f"convert/{path.name}", Image.open(path).convert("RGB"))

save_file(tensors, reference / "preprocess.safetensors")
