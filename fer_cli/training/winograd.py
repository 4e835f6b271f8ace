"""3×3 convolutions with a quarter to a half of the multiplications, while TensorFlow trains on a CPU.

Lavin, Gray: Fast Algorithms for Convolutional Neural Networks (CVPR 2016, arXiv:1509.09308). Tiles of a feature map go
through a small linear map, after which a convolution is a matrix product for each of its cells, and back. GPUs do this
by themselves in cuDNN; oneDNN does not for float32. benchmarks/README.md has the figures.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

Tensor = Any
Matrix = npt.NDArray[np.float32]
#: Maps (N, H, W, C) and kernels (3, 3, C, K) to maps (N, H, W, K).
Convolution = Callable[[Tensor, Tensor], Tensor]

#: Below so many channels or pixels a side the linear maps cost more than the multiplications that they save.
_CHANNELS, _SIDE = 64, 6
#: Multiply-adds of a layer in all of a run; with fewer, compiling its kernels takes longer than they save.
_WORTH_COMPILING = 10**12


class Form(NamedTuple):
    """F(m×m, 3×3): along a side, m outputs of three taps by m + 2 products instead of 3 m."""

    #: Bᵀ (m + 2, m + 2), from the inputs of a tile.
    inputs: Matrix
    #: G (m + 2, 3), from the taps.
    taps: Matrix
    #: Aᵀ (m, m + 2), to the outputs.
    outputs: Matrix


def _form(*matrices: Sequence[Sequence[float]]) -> Form:
    return Form(*(np.array(matrix, np.float32) for matrix in matrices))


#: By m; sections 4.1 and 4.3 of the paper.
FORMS = {
    2: _form(
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: _form(
        [
            [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
        ],
        [
            [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}  # fmt: skip


def save_multiplications(network: keras.Model, images: int) -> int:
    """Let the wide 3×3 convolutions of a network run in fewer multiplications; how many layers do.

    images: faces that a training will show it, all epochs together. Results differ from those of Keras by rounding
    (some 1e-6 of their size). Only the live layers change: copies of the network, and its file, have those of Keras.
    Layers that would not gain stay as they are, and so does everything on other backends than TensorFlow and on GPUs.
    """
    if not _on_cpu():
        return 0
    layers = [layer for layer in network._flatten_layers(include_self=False, recursive=True) if _gains(layer, images)]
    for layer in layers:
        layer.convolution_op = _convolution_op
    return len(layers)


def _convolution_op(x: Tensor, kernel: Tensor) -> Tensor:
    return convolution(*x.shape[1:3])(x, kernel)


def _on_cpu() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def _gains(layer: keras.layers.Layer, images: int) -> bool:
    if type(layer) is not keras.layers.Conv2D or layer.compute_dtype != "float32":
        return False
    if (layer.kernel_size, layer.strides, layer.dilation_rate) != ((3, 3), (1, 1), (1, 1)):
        return False
    if (layer.padding, layer.data_format, layer.groups) != ("same", "channels_last", 1):
        return False
    height, width, channels = layer.input.shape[1:]
    if None in (height, width) or min(height, width) < _SIDE or min(channels, layer.filters) < _CHANNELS:
        return False
    return bool(height * width * 9 * channels * layer.filters * images >= _WORTH_COMPILING)


def tile_side(height: int, width: int) -> int:
    """The m with the fewest products for a map, its incomplete tiles counted whole; the smaller of equals."""
    return min(FORMS, key=lambda m: (-(-height // m) * -(-width // m) * (m + 2) ** 2, m))


class _Tiles:
    """The linear maps between maps of one size and the cells of their tiles.

    Cells are a list by row of a tile, each (m + 2, N * tiles, channels). Every map is done in two passes, columns and
    rows, each compiled by itself: as one, XLA would work out the first anew for every cell that needs it.
    """

    def __init__(self, height: int, width: int) -> None:
        import tensorflow as tf

        self._tf, self._height, self._width = tf, height, width
        self._m = tile_side(height, width)
        self._form = FORMS[self._m]
        self._tiles = (-(-height // self._m), -(-width // self._m))
        compiled = functools.partial(tf.function, autograph=False, jit_compile=True)
        self._input_rows = compiled(lambda x: self._rows(self._form.inputs, x, 1))
        self._input_columns = compiled(lambda rows: self._columns(self._form.inputs, rows))
        self._gradient_rows = compiled(lambda dy: self._rows(self._form.outputs.T, dy, 0))
        self._gradient_columns = compiled(lambda rows: self._columns(self._form.outputs.T, rows))
        self._output_columns, self._output_rows = compiled(self._joined_columns), compiled(self._joined_rows)

    def of_input(self, x: Tensor) -> list[Tensor]:
        """Bᵀ x B of maps (N, H, W, C)."""
        return list(self._input_columns(self._input_rows(x)))

    def of_gradient(self, dy: Tensor) -> list[Tensor]:
        """A dy Aᵀ of the gradient (N, H, W, K) by the maps that `to_output` gives."""
        return list(self._gradient_columns(self._gradient_rows(dy)))

    def to_output(self, cells: list[Tensor]) -> Tensor:
        """Aᵀ cells A: maps (N, H, W, K)."""
        return self._output_rows(self._output_columns(cells))

    def of_kernel(self, kernel: Tensor) -> list[Tensor]:
        """G kernel Gᵀ of (3, 3, C, K): by row of a tile, (m + 2, C, K)."""
        tf, taps = self._tf, self._form.taps
        cells = tf.tensordot(np.kron(taps, taps), tf.reshape(kernel, (9, -1)), 1)
        return list(tf.unstack(tf.reshape(cells, (len(taps), len(taps), *kernel.shape[2:]))))

    def to_kernel(self, cells: list[Tensor]) -> Tensor:
        """Gᵀ cells G: the gradient (3, 3, C, K) of a kernel by those of what `of_kernel` gives."""
        tf, taps = self._tf, self._form.taps
        flat = tf.reshape(tf.stack(cells), (len(taps) ** 2, -1))
        return tf.reshape(tf.tensordot(np.kron(taps, taps).T, flat, 1), (3, 3, *cells[0].shape[1:]))

    def _rows(self, matrix: Matrix, x: Tensor, border: int) -> list[Tensor]:
        """By row of a tile (N, tiles down, width, C); `border` zeros are around the maps."""
        down, right = (self._m * n - size for n, size in zip(self._tiles, (self._height, self._width), strict=True))
        padded = self._tf.pad(x, [[0, 0], [border, border + down], [border, border + right], [0, 0]])
        return _combined(matrix, _cut(padded, 1, self._tiles[0], self._m))

    def _columns(self, matrix: Matrix, rows: list[Tensor]) -> list[Tensor]:
        parts = [_combined(matrix, _cut(row, 2, self._tiles[1], self._m)) for row in rows]
        return [self._tf.reshape(self._tf.stack(cells), (len(cells), -1, cells[0].shape[-1])) for cells in parts]

    def _joined_columns(self, cells: list[Tensor]) -> list[Tensor]:
        """By row of a tile (N, tiles down, width, K)."""
        tf, channels = self._tf, cells[0].shape[-1]
        apart = [tf.unstack(tf.reshape(row, (self._m + 2, -1, *self._tiles, channels))) for row in cells]
        joined = [tf.stack(_combined(self._form.outputs, columns), 3) for columns in apart]
        return [tf.reshape(row, (-1, self._tiles[0], self._m * self._tiles[1], channels)) for row in joined]

    def _joined_rows(self, rows: list[Tensor]) -> Tensor:
        joined = self._tf.stack(_combined(self._form.outputs, rows), 2)
        whole = self._tf.reshape(joined, (-1, *(self._m * n for n in self._tiles), rows[0].shape[-1]))
        return whole[:, : self._height, : self._width]


@functools.cache
def convolution(height: int, width: int) -> Convolution:
    """A 3×3 convolution, stride 1, of maps (N, height, width, C) with zeros around them, and its gradients."""
    import tensorflow as tf

    tiles = _Tiles(height, width)

    def convolved(x: Tensor, kernel: Tensor) -> Tensor:
        pairs = zip(tiles.of_input(x), tiles.of_kernel(kernel), strict=True)
        return tiles.to_output([tf.matmul(*pair) for pair in pairs])

    def kernel_gradient(x: Tensor, dy: Tensor) -> Tensor:
        # The cells of x anew: to keep them from the way forward would take the memory of two to four more maps.
        pairs = zip(tiles.of_input(x), tiles.of_gradient(dy), strict=True)
        return tiles.to_kernel([tf.matmul(*pair, transpose_a=True) for pair in pairs])

    def convolve(x: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
        def gradient(dy: Tensor) -> tuple[Tensor, Tensor]:
            turned = tf.transpose(kernel[::-1, ::-1], (0, 1, 3, 2))
            return convolved(dy, turned), kernel_gradient(x, dy)

        return convolved(x, kernel), gradient

    return lambda x, kernel: tf.custom_gradient(convolve)(x, tf.convert_to_tensor(kernel))


def _cut(x: Tensor, axis: int, tiles: int, step: int) -> list[Tensor]:
    """By its place within a tile, what of each tile stands there along an axis; tiles begin `step` apart."""
    size = x.shape[axis] - step * (tiles - 1)
    cut = [slice(None)] * 4
    parts = []
    for place in range(size):
        cut[axis] = slice(place, place + step * (tiles - 1) + 1, step)
        parts.append(x[tuple(cut)])
    return parts


def _combined(matrix: Matrix, parts: Sequence[Tensor]) -> list[Tensor]:
    """The product of a matrix (M, P), mostly of zeros and ones, and P tensors of one shape."""
    return [
        functools.reduce(
            lambda a, b: a + b,
            [part if weight == 1 else part * float(weight) for weight, part in zip(row, parts, strict=True) if weight],
        )
        for row in matrix
    ]
