"""One size, colour and light for all images on their way into a dataset file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fer_cli.datasets.base import Findings, Importer, ReadOptions
from fer_cli.datasets.sources import source_name
from fer_cli.errors import InputError
from fer_cli.records import Records
from fer_cli.transform.adapt import adapt

_CHANNELS = {"gray": 1, "rgb": 3}


def make_uniform(records: Records, options: ReadOptions, findings: Findings) -> Records:
    """Records in the size, colour and light that `options` ask for, in this order; the findings hear of each step."""
    shape = _wanted_shape(records.images.shape, options)
    images = adapt(records.images, shape)
    if images is not records.images:
        findings.adapted(shape)
    if options.illumination is not None:
        from fer_cli.transform.illuminate import illuminate

        images = illuminate(images, options.illumination)
        step = {"name": "illumination", "method": options.illumination}
        if step not in findings.transforms:
            findings.transforms.append(step)
    return replace(records, images=images)


def require_one_light(importers: Sequence[Importer], options: ReadOptions) -> None:
    """Raise `InputError` where sources had their light corrected differently, or already before another correction."""
    first, *others = ((source_name(importer), _corrections(importer.findings)) for importer in importers)
    for name, methods in others:
        if methods != first[1]:
            raise InputError(
                f"sources that go into one file need the same correction of light. {first[0]}: "
                f"{', '.join(first[1]) or 'none'}. {name}: {', '.join(methods) or 'none'}"
            )
    if options.illumination and first[1]:
        raise InputError(f"{first[0]}: its light was corrected before ({', '.join(first[1])}); start from the original")


def all_transforms(importers: Sequence[Importer]) -> list[dict[str, Any]]:
    """The steps of all sources, each once, in order."""
    found: list[dict[str, Any]] = []
    for importer in importers:
        found += [step for step in importer.findings.transforms if step not in found]
    return found


def _corrections(findings: Findings) -> list[str]:
    return [step["method"] for step in findings.transforms if step["name"] == "illumination"]


def _wanted_shape(have: tuple[int, ...], options: ReadOptions) -> tuple[int, int, int]:
    _, height, width, channels = have
    if options.color is not None:
        channels = _CHANNELS[options.color]
    return options.size or height, options.size or width, channels
