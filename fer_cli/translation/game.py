"""The game of generator against discriminator, as two models of Keras that take turns.

Both contain both networks, and in each only one learns. `make` is the generator's turn, whose faces the discriminator
is to find real and of the wanted emotion, and which, translated back, are to be the faces they were. `tell` is the
discriminator's, which learns emotions from real faces, and to tell translated ones from them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fer_cli import gradients
from fer_cli.translation.discriminator import Jitter, build_discriminator
from fer_cli.translation.generator import build_generator
from fer_cli.translation.losses import MADE, REAL, Openness, PersonDistance, PixelDistance, Realness, Roughness
from fer_cli.translation.settings import Settings

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
#: Output of a model -> its loss and the weight of the loss.
Terms = dict[str, tuple[keras.losses.Loss, float]]

#: Adam's memory of the gradient's direction, short as the opponent moves on (Radford et al. 2016, arXiv:1511.06434).
_BETA = 0.5
#: The learning rate ends at this part of where it began.
_LAST_RATE = 0.05
#: Steps over which `_RESTRAINTS` grow to their full weight, where classifiers guide, and at most this part of a run.
#: From the first step on they would hold the generator where it begins, at no change: the absolute differences among
#: them cost as much for each level of a small change as of a large one, more than a first clumsy change of a photograph
#: gains. The learning rate rises over the half of it, as the mask closes over a change that bursts out.
_HEAD_START, _MOST_OF_A_RUN = 400, 0.25
_RESTRAINTS = ("realness", "wanted", "cycle", "kept", "change")


class Game:
    """Generator and discriminator with their optimizers.

    generator, discriminator: the networks. optimizer: of the generator; it keeps the average of its weights.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        num_classes: int,
        settings: Settings,
        steps: int,
        classifiers: Sequence[keras.Model] = (),
        identity_guide: keras.Model | None = None,
    ) -> None:
        """Take faces (H, W, C) of `num_classes` emotions; steps: of the whole run, over which the learning rate falls.

        classifiers: frozen networks with the same classes in the same order, which take the faces or a crop of them.
        identity_guide: a frozen network from the same to embeddings (N, D) of persons.
        """
        keras.utils.set_random_seed(settings.seed)
        self._settings, self._classes = settings, num_classes
        self._head_start = min(_HEAD_START, int(_MOST_OF_A_RUN * steps)) if classifiers else 0
        self.generator = build_generator(input_shape, num_classes, settings.width, settings.blocks)
        self.discriminator = build_discriminator(input_shape, num_classes, seed=settings.seed)
        with _frozen(self.discriminator):
            self._make = self._build_make(classifiers, identity_guide)
            _compile(self._make, self._make_terms(), settings, steps, self._head_start // 2, average=True)
        with _frozen(self.generator):
            self._tell = self._build_tell()
            _compile(self._tell, _tell_terms(), settings, steps, self._head_start // 2)
        self.optimizer: keras.optimizers.Optimizer = self._make.optimizer
        self._twin: keras.Model | None = None

    @property
    def variables(self) -> list[keras.Variable]:
        """All that a run changes, random seeds included, in a fixed order."""
        parts = (self._make, self._tell, self._make.optimizer, self._tell.optimizer)
        return list({id(variable): variable for part in parts for variable in part.variables}.values())

    def averaged(self) -> keras.Model:
        """A copy of the generator with the average of its weights over the last steps; the same copy each time."""
        if self._twin is None:
            self._twin = keras.models.clone_model(self.generator)
        # The only way to read the averages without overwriting the weights (`training.callbacks`).
        averages = self.optimizer._model_variables_moving_average
        with _frozen(self.discriminator):
            known = {v.path: a for v, a in zip(self._make.trainable_variables, averages, strict=True)}
        self._twin.set_weights([keras.ops.convert_to_numpy(known[v.path]) for v in self.generator.weights])
        return self._twin

    def step(self, images: Pixels, own: Floats, wanted: Floats) -> dict[str, float]:
        """Let both networks learn from a batch; their terms, without the weights of `Settings`, and hits of emotions.

        images: uint8 (N, H, W, C). own, wanted: distributions (N, K), the emotions of faces and of translations.
        """
        faces, rows = images.astype(np.float32), len(images)
        real, made = (np.full((rows, 1), score, np.float32) for score in (REAL, MADE))
        with _frozen(self.generator):
            truth = {"real": real, "made": made, "emotion": _widened(own), "translated": _translated(own)}
            told = _turn(self._tell, {"image": faces, "condition": wanted}, truth)
        truth = {"realness": real, "wanted": _widened(wanted), "guided": wanted, "cycle": faces, "kept": faces}
        truth |= dict.fromkeys(("mask", "change", "person"), made)
        # Of K wanted emotions one is a face's own: the weight makes up for how rarely that one is asked.
        same = (own.argmax(1) == wanted.argmax(1)).astype(np.float32) * self._classes
        weights = dict.fromkeys(_RESTRAINTS, np.full(rows, self._restraint(), np.float32))
        weights["kept"] = weights["kept"] * same
        with _frozen(self.discriminator):
            shown = _turn(self._make, {"image": faces, "condition": wanted, "own": own}, truth, weights)
        return {**shown, **{f"d_{name}": value for name, value in told.items()}}

    def _restraint(self) -> float:
        """How much the restraints count at this step, 0..1."""
        done = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
        return min(1.0, done / self._head_start) if self._head_start else 1.0

    def _build_make(self, classifiers: Sequence[keras.Model], identity_guide: keras.Model | None) -> keras.Model:
        inputs = _inputs(self.generator, "own")
        made = self.generator({name: inputs[name] for name in ("image", "condition")})
        back = self.generator({"image": made["image"], "condition": inputs["own"]})
        found = self.discriminator(made["image"])
        outputs = {
            "realness": found["realness"], "wanted": found["classes"],
            "cycle": back["image"], "kept": made["image"],
            "mask": made["mask"], "change": made["image"] - inputs["image"],
        }  # fmt: skip
        if classifiers:
            outputs["guided"] = _answers(classifiers, made["image"], self._settings.seed)
        if identity_guide is not None:
            outputs["person"] = _persons(identity_guide, inputs["image"], made["image"], self._settings.seed)
        return keras.Model(inputs, outputs, name="make")

    def _make_terms(self) -> Terms:
        """`guided` is there with classifiers only, `person` with an identity guide."""
        chosen = self._settings
        return {
            "realness": (Realness(), chosen.adversarial),
            "wanted": (_cross_entropy(), chosen.emotion),
            "guided": (_cross_entropy(), chosen.emotion),
            "cycle": (PixelDistance(), chosen.cycle),
            "kept": (PixelDistance(), chosen.identity),
            "person": (PersonDistance(), chosen.likeness),
            "mask": (Openness(), chosen.sparsity),
            "change": (Roughness(), chosen.smoothness),
        }

    def _build_tell(self) -> keras.Model:
        inputs = _inputs(self.generator)
        real, false = self.discriminator(inputs["image"]), self.discriminator(self.generator(inputs)["image"])
        outputs = {
            "real": real["realness"], "emotion": real["classes"],
            "made": false["realness"], "translated": false["classes"],
        }  # fmt: skip
        return keras.Model(inputs, outputs, name="tell")


def _answers(classifiers: Sequence[keras.Model], made: Any, seed: int) -> Any:
    """Logits (N, K) of networks' geometric mean for translations (N, H, W, C), each jittered for each in its own way.

    What one network alone is blind to costs little there; what one alone takes for the emotion, gains little.
    """
    told = []
    for number, classifier in enumerate(classifiers):
        classifier.trainable = False
        # Odd seeds: the even one is that of the identity guide.
        jitter = Jitter(_sides(classifier), seed=(seed + 1 + 2 * number) % 2**32, name=f"jitter_{number}")
        told.append(keras.ops.log_softmax(gradients.logits_of(classifier)(jitter(made))))
    return sum(told) / len(told)


def _persons(guide: keras.Model, real: Any, made: Any, seed: int) -> Any:
    """Embeddings (N, 2, D) of faces and of what was made of them, (N, H, W, C) both, jittered alike and without grain.

    What is left between the two is then the translation's work alone.
    """
    guide.trainable = False
    channels = real.shape[-1]
    jitter = Jitter(_sides(guide), grain=0.0, seed=(seed + 2) % 2**32, name="jitter_pair")
    pair = jitter(keras.ops.concatenate([real, made], axis=-1))
    seen = pair[..., :channels], pair[..., channels:]
    flat = [keras.layers.Flatten()(guide(faces, training=False)) for faces in seen]
    return keras.ops.cast(keras.ops.stack(flat, axis=1), "float32")


def _sides(network: keras.Model) -> tuple[int, int]:
    _, height, width, _ = network.input_shape
    return height, width


def _tell_terms() -> Terms:
    halves = {"real": (Realness(), 0.5), "made": (Realness(), 0.5)}
    return {**halves, "emotion": (_cross_entropy(), 1.0), "translated": (_cross_entropy(), 0.5)}


def _widened(conditions: Floats) -> Floats:
    """Distributions (N, K) over the emotions as those (N, K + 1) over the discriminator's classes."""
    return np.pad(conditions, ((0, 0), (0, 1)))


def _translated(conditions: Floats) -> Floats:
    """(N, K + 1), sure of the discriminator's last class, for N conditions."""
    certain = np.zeros((len(conditions), conditions.shape[1] + 1), np.float32)
    certain[:, -1] = 1
    return certain


def _cross_entropy() -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def _inputs(generator: keras.Model, *more_conditions: str) -> dict[str, Any]:
    image, condition = (generator.input[name].shape[1:] for name in ("image", "condition"))
    shapes = {"image": image, "condition": condition, **dict.fromkeys(more_conditions, condition)}
    return {name: keras.Input(shape, name=name) for name, shape in shapes.items()}


def _compile(
    player: keras.Model, terms: Terms, settings: Settings, steps: int, warmup: int, average: bool = False
) -> None:
    used = {name: terms[name] for name in player.output}
    hits = [name for name in used if isinstance(used[name][0], keras.losses.CategoricalCrossentropy)]
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), _LAST_RATE, warmup_target=settings.lr, warmup_steps=warmup
    )
    optimizer = keras.optimizers.Adam(rate, _BETA, use_ema=average, ema_momentum=settings.ema)
    player.compile(
        optimizer=optimizer,
        loss={name: loss for name, (loss, _) in used.items()},
        loss_weights={name: weight for name, (_, weight) in used.items()},
        metrics={name: [keras.metrics.CategoricalAccuracy(name="hit")] for name in hits},
        # As in `training.fit`: XLA makes TensorFlow's convolutions on a CPU slower.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    player.optimizer.build(player.trainable_variables)


def _turn(
    player: keras.Model, inputs: dict[str, Floats], truth: dict[str, Floats], weights: dict[str, Floats] | None = None
) -> dict[str, float]:
    """One step of the player; what it came to, by Keras' names of losses and metrics."""
    ones = np.ones(len(inputs["image"]), np.float32)
    found = player.train_on_batch(
        inputs,
        {name: truth[name] for name in player.output},
        {name: (weights or {}).get(name, ones) for name in player.output},
        return_dict=True,
    )
    return {name: float(value) for name, value in found.items()}


@contextlib.contextmanager
def _frozen(network: keras.Model) -> Iterator[None]:
    """Nothing that is built, compiled or learnt in the block changes the network."""
    network.trainable = False
    try:
        yield
    finally:
        network.trainable = True
