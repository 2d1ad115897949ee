# SPDX-License-Identifier: BSD-3-Clause
"""Views of images: crops, flips, rotations, brightness, noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from skoverfit._core._arrays import kind_of, to_numpy
from skoverfit._core._validation import warn
from skoverfit.exceptions import BadInputError
from skoverfit.neural_network._step_tools import ByValue

__all__ = ["ImageViews", "flat_images", "image_shape_of", "warn_of_last_channels"]

# As many channels or fewer are colors, which many libraries have last.
_MOST_COLORS = 4
_ROWS_LOOKED_AT = 200


def image_shape_of(image_shape: Any) -> tuple[int, int, int]:
    """Return ``(C, H, W)``; two numbers are one channel.

    Raises
    ------
    BadInputError
        If these are not two or three positive integers, or the channels come last.
    """
    sizes = tuple(image_shape) if isinstance(image_shape, Sequence) else ()
    whole = all(isinstance(n, Integral) and int(n) > 0 for n in sizes)
    if len(sizes) not in (2, 3) or not whole:
        raise BadInputError(
            "The 'image_shape' parameter must hold (height, width) or (channels, "
            f"height, width), positive integers. Got {image_shape!r} instead."
        )
    numbers = [int(n) for n in sizes]
    channels, height, width = numbers if len(numbers) == 3 else [1, *numbers]
    if width in (1, 3, _MOST_COLORS) and min(channels, height) > _MOST_COLORS:
        raise BadInputError(
            "The 'image_shape' parameter must hold the channels first, as in "
            f"{(width, channels, height)}; arrays of shape {(channels, height, width)} "
            f"an image are taken, too. Got {image_shape!r}, images of {channels} "
            "channels."
        )
    return channels, height, width


def flat_images(X: Any, image_shape: Any) -> Any:
    """Return images as flat rows, channels first; other rows are left as they are.

    Parameters
    ----------
    X : table of shape (n, n_pixels), (n, C, H, W), (n, H, W, C) or (n, H, W)
        The last one for one channel only. Lists and tensors become arrays.
    image_shape : sequence of int
        What `image_shape_of` takes.

    Raises
    ------
    BadInputError
        If the images have another shape.
    """
    channels, height, width = shape = image_shape_of(image_shape)
    if kind_of(X) in ("tensor", "list", "tuple"):
        X = to_numpy(X) if kind_of(X) == "tensor" else np.asarray(X)
    if getattr(X, "ndim", 2) <= 2:
        return X
    given = tuple(X.shape[1:])
    if given == shape or (channels == 1 and given == shape[1:]):
        return X.reshape(len(X), -1)
    if given == (height, width, channels):
        return X.transpose(0, 3, 1, 2).reshape(len(X), -1)
    raise BadInputError(
        f"image_shape={image_shape!r} needs images of shape {shape} or "
        f"{(height, width, channels)}, or flat rows of {math.prod(shape)} numbers. Got "
        f"images of shape {given}."
    )


def warn_of_last_channels(rows: np.ndarray, shape: tuple[int, int, int]) -> None:
    """Warn where flat rows look like images whose channels come last.

    Pixels below each other are alike, in the one layout or in the other: on CIFAR-10
    their mean difference is half of, or three times, that in the wrong layout.
    """
    channels, height, width = shape
    if not 1 < channels <= _MOST_COLORS or min(height, width) <= _MOST_COLORS:
        return
    some = rows[:: -(-len(rows) // _ROWS_LOOKED_AT)].astype(np.float64)

    def below(step: int) -> float:
        return float(np.abs(some[:, step:] - some[:, :-step]).mean())

    if below(width * channels) < 0.6 * below(width):
        warn(
            f"The flat rows look like images of shape {(height, width, channels)}, but "
            f"image_shape={shape} reads them with the channels first. Give images of "
            "their own shape, which is then told from X."
        )


class ImageViews(ByValue):
    """Move, crop, flip and jitter images, each by random numbers of its own.

    The view maker of images, vectorized over the batch. Rows may be flat. Read more in
    the :doc:`User Guide </user_guide/representation>`.

    .. versionadded:: 0.1

    Parameters
    ----------
    image_shape : tuple of int
        ``(height, width)`` or ``(channels, height, width)``.
    crop : {"pad", "resized"} or None, default="pad"
        "pad": the image is padded by its mirror image and a window of its size is cut
        out at random. "resized": a random part is blown up to the whole size.
    padding : int or None, default=None
        Pixels; None is an eighth of the height, at least 1.
    scale : tuple of two floats, default=(0.5, 1.0)
        Smallest and largest share of the area in "resized".
    flip : bool, default=False
        Whether half of the views are mirrored. Digits and letters don't bear that.
    rotation : float, default=0.0
        Largest angle in degrees.
    brightness : float, default=0.4
        Four of five views are multiplied by a number in ``1 +- brightness``.
    noise : float, default=0.0
        Standard deviation of noise that is added.

    See Also
    --------
    FeatureCorruption : Views of table rows.

    References
    ----------
    Chen, Kornblith, Norouzi & Hinton (2020), "A simple framework for contrastive
    learning of visual representations", ICML, arXiv:2002.05709.

    Examples
    --------
    >>> import torch
    >>> from skoverfit.representation import ImageViews
    >>> rows = torch.rand(5, 64)
    >>> ImageViews((8, 8))(rows, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 64])
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        *,
        crop: str | None = "pad",
        padding: int | None = None,
        scale: tuple[float, float] = (0.5, 1.0),
        flip: bool = False,
        rotation: float = 0.0,
        brightness: float = 0.4,
        noise: float = 0.0,
    ) -> None:
        self.image_shape = image_shape
        self.crop = crop
        self.padding = padding
        self.scale = scale
        self.flip = flip
        self.rotation = rotation
        self.brightness = brightness
        self.noise = noise
        self._check()

    def _check(self) -> tuple[int, int, int]:
        shape = image_shape_of(self.image_shape)
        if self.crop not in ("pad", "resized", None):
            raise BadInputError(
                "The 'crop' parameter of ImageViews must be 'pad', 'resized' or None. "
                f"Got {self.crop!r} instead."
            )
        most = min(shape[1:]) - 1
        if self.padding is not None and not (
            isinstance(self.padding, Integral) and 0 <= int(self.padding) <= most
        ):
            raise BadInputError(
                f"The 'padding' parameter of ImageViews must be an integer from 0 to "
                f"{most} for images of {shape[1:]} pixels. Got {self.padding!r} "
                "instead."
            )
        low, high = self.scale
        if not 0 < low <= high <= 1:
            raise BadInputError(
                "The 'scale' parameter of ImageViews must hold two floats above 0 and "
                f"up to 1, the smaller first. Got {self.scale!r} instead."
            )
        for name in ("rotation", "brightness", "noise"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not float(value) >= 0:
                raise BadInputError(
                    f"The {name!r} parameter of ImageViews must be a float of at least "
                    f"0. Got {value!r} instead."
                )
        return shape

    def fit(self, X: torch.Tensor, y: Any = None) -> ImageViews:
        """Check that the rows are images of this shape.

        Parameters
        ----------
        X : tensor of shape (n_samples, n_pixels) or (n_samples, C, H, W)
            Training rows.
        y : None
            Not used.

        Returns
        -------
        ImageViews
            The view maker itself.

        Raises
        ------
        BadInputError
            If they are not.
        """
        shape = self._check()
        pixels = math.prod(shape)
        known = (shape, shape[1:]) if shape[0] == 1 else (shape,)
        if X.dim() > 2 and tuple(X.shape[1:]) not in known:
            raise BadInputError(
                f"image_shape={self.image_shape!r} needs images of shape {shape}, "
                f"channels first. Got images of shape {tuple(X.shape[1:])}."
            )
        if math.prod(X.shape[1:]) != pixels:
            raise BadInputError(
                f"image_shape={self.image_shape!r} has {pixels} pixels, but a row has "
                f"{math.prod(X.shape[1:])} numbers."
            )
        return self

    def __call__(self, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return a view of a batch.

        Parameters
        ----------
        rows : tensor of shape (n, n_pixels) or (n, C, H, W)
            The batch; it is not changed.
        generator : torch.Generator
            Source of all that is random, on the device of the rows.

        Returns
        -------
        tensor
            Of the same shape and dtype.
        """
        self.fit(rows)
        images = rows.reshape(len(rows), *image_shape_of(self.image_shape))

        def uniform(*shape: int) -> torch.Tensor:
            drawn = torch.rand(
                (len(rows), *shape), generator=generator, device=rows.device
            )
            return drawn.to(rows.dtype)

        if self.crop == "pad":
            images = self._shifted(images, uniform(2))
        if self.crop == "resized" or self.rotation:
            images = self._resampled(images, uniform(5))
        if self.flip:
            mirrored = uniform(1, 1, 1) < 0.5
            images = torch.where(mirrored, images.flip(-1), images)
        if self.brightness:
            drawn = uniform(2, 1, 1, 1)
            factor = 1 + self.brightness * (2 * drawn[:, 0] - 1)
            images = torch.where(drawn[:, 1] < 0.8, images * factor, images)
        if self.noise:
            noise = torch.randn(images.shape, generator=generator, device=rows.device)
            images = images + self.noise * noise.to(rows.dtype)
        return images.reshape(rows.shape)

    def _shifted(self, images: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[-2:]
        pad = max(1, height // 8) if self.padding is None else int(self.padding)
        pad = min(pad, height - 1, width - 1)
        if pad < 1:
            return images
        padded = functional.pad(images, (pad,) * 4, mode="reflect")
        first = (uniform * (2 * pad + 1)).long().clamp(max=2 * pad)
        here = torch.arange(len(images), device=images.device).view(-1, 1, 1)
        rows = first[:, 0].view(-1, 1) + torch.arange(height, device=images.device)
        columns = first[:, 1].view(-1, 1) + torch.arange(width, device=images.device)
        taken = padded.movedim(1, -1)[here, rows.unsqueeze(2), columns.unsqueeze(1)]
        return taken.movedim(-1, 1)

    def _resampled(self, images: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        """Cut out a part of random size, place and angle, and blow it up."""
        n, (height, width) = len(images), images.shape[-2:]
        angle = math.radians(float(self.rotation)) * (2 * uniform[:, 0] - 1)
        high = wide = torch.ones_like(angle)
        if self.crop == "resized":
            area = self.scale[0] + (self.scale[1] - self.scale[0]) * uniform[:, 1]
            aspect = torch.exp(math.log(4 / 3) * (2 * uniform[:, 2] - 1))
            wide = (area * aspect).sqrt().clamp(max=1)
            high = (area / aspect).sqrt().clamp(max=1)
        turned = images.new_zeros((n, 2, 3))
        cos, sin = angle.cos(), angle.sin()
        turned[:, 0, 0], turned[:, 0, 1] = wide * cos, -high * sin * height / width
        turned[:, 1, 0], turned[:, 1, 1] = wide * sin * width / height, high * cos
        turned[:, 0, 2] = (1 - wide) * (2 * uniform[:, 3] - 1)
        turned[:, 1, 2] = (1 - high) * (2 * uniform[:, 4] - 1)
        grid = functional.affine_grid(turned, list(images.shape), align_corners=False)
        return functional.grid_sample(
            images, grid, padding_mode="border", align_corners=False
        )

    def unfitted(self) -> ImageViews:
        """Return a copy.

        Returns
        -------
        ImageViews
            With the same parameters.
        """
        return type(self)(**self._shown())  # type: ignore[arg-type]
