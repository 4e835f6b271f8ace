"""What can be named on the command line, and where it lives: plain dicts name -> "module:attribute".

Nothing is imported until it is asked for, so that `--help` can list the names without loading Keras or OpenCV.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from fer_cli.errors import UsageError

#: Importers, in the order in which format detection asks them.
IMPORTERS: dict[str, str] = {
    "synthetic": "fer_cli.datasets.synthetic:SyntheticFaces",
    "dataset": "fer_cli.datasets.dataset_file:DatasetFile",
    "fer2013-hdf5": "fer_cli.datasets.fer2013_hdf5:Fer2013Hdf5",
    "affectnet-csv": "fer_cli.datasets.affectnet_csv:AffectNetCsv",
    "affectnet-folder": "fer_cli.datasets.affectnet_folder:AffectNetFolder",
    "expw": "fer_cli.datasets.expw:ExpW",
    "rafdb": "fer_cli.datasets.rafdb:RafDb",
    "ckplus": "fer_cli.datasets.ckplus:CkPlus",
    "ckplus48": "fer_cli.datasets.ckplus48:CkPlus48",
    "jaffe": "fer_cli.datasets.jaffe:Jaffe",
    "kdef": "fer_cli.datasets.kdef:Kdef",
    "fer2013-csv": "fer_cli.datasets.fer2013_csv:Fer2013Csv",
    "fer2013-folder": "fer_cli.datasets.fer2013_folder:Fer2013Folder",
    "folder": "fer_cli.datasets.folder:ImageTree",
}

#: Networks: residual ones for small faces, those of studies of FER2013, those of keras.applications.
ARCHITECTURES: dict[str, str] = {
    "mini": "fer_cli.architectures.residual:mini",
    "resnet10se": "fer_cli.architectures.residual:resnet10se",
    "resnet18": "fer_cli.architectures.residual:resnet18",
    "resnet34": "fer_cli.architectures.residual:resnet34",
    "resnet50": "fer_cli.architectures.residual:resnet50",
    "resnet101": "fer_cli.architectures.residual:resnet101",
    "six-conv": "fer_cli.architectures.studies:six_conv",
    "four-conv": "fer_cli.architectures.studies:four_conv",
    "five-layer": "fer_cli.architectures.studies:five_layer",
    "cpcpcpfff": "fer_cli.architectures.studies:cpcpcpfff",
    "ccpccpccpff": "fer_cli.architectures.studies:ccpccpccpff",
    "ccpccpccpccpff": "fer_cli.architectures.studies:ccpccpccpccpff",
    "vgg13": "fer_cli.architectures.studies:vgg13",
    "mini-xception": "fer_cli.architectures.xception:mini_xception",
    "vgg16": "fer_cli.architectures.applications:vgg16",
    "resnet50v2": "fer_cli.architectures.applications:resnet50v2",
    "resnet152v2": "fer_cli.architectures.applications:resnet152v2",
    "mobilenetv2": "fer_cli.architectures.applications:mobilenetv2",
    "mobilenetv3small": "fer_cli.architectures.applications:mobilenetv3small",
    "efficientnetv2b0": "fer_cli.architectures.applications:efficientnetv2b0",
    "densenet121": "fer_cli.architectures.applications:densenet121",
    "convnexttiny": "fer_cli.architectures.applications:convnexttiny",
}

#: What finds faces in a photo or a frame.
DETECTORS: dict[str, str] = {
    "mtcnn": "fer_cli.faces.mtcnn:Mtcnn",
    "haar": "fer_cli.faces.haar:Haar",
    "yunet": "fer_cli.faces.yunet:Yunet",
    "skip": "fer_cli.faces.skip:Skip",
}

#: Test-time augmentations: images -> the views whose probabilities are averaged.
TEST_TIME: dict[str, str] = {
    "none": "fer_cli.transform.crops:single",
    "flip": "fer_cli.transform.crops:flip",
    "ten-crop": "fer_cli.transform.crops:ten_crop",
}

#: Illumination corrections: images -> images of the same shape.
ILLUMINATIONS: dict[str, str] = {
    "equalize": "fer_cli.transform.illuminate:equalize",
    "clahe": "fer_cli.transform.illuminate:clahe",
    "gamma": "fer_cli.transform.illuminate:gamma",
    "tan-triggs": "fer_cli.transform.illuminate:tan_triggs",
    "plane": "fer_cli.transform.illuminate:plane",
    "dog": "fer_cli.transform.illuminate:dog",
}

#: What classical classifiers see of a face; `pca` is a step of their pipeline (`fer_cli.classical.features`).
FEATURES: dict[str, str] = {
    "pixels": "fer_cli.classical.kinds:RawPixels",
    "hog": "fer_cli.classical.hog:Hog",
    "lbp": "fer_cli.classical.lbp:Lbp",
    "keypoints": "fer_cli.classical.keypoints:Keypoints",
    "embedding": "fer_cli.analysis.embedding:Embedding",
}

#: Classical classifiers: seed -> a scikit-learn classifier with its defaults.
CLASSIFIERS: dict[str, str] = {
    "svm-rbf": "fer_cli.classical.pipelines:svm_rbf",
    "svm-linear": "fer_cli.classical.pipelines:svm_linear",
    "svm-poly": "fer_cli.classical.pipelines:svm_poly",
    "logistic": "fer_cli.classical.pipelines:logistic",
    "forest": "fer_cli.classical.pipelines:forest",
    "knn": "fer_cli.classical.pipelines:knn",
}

#: Corruptions in five severities, in the order of the tables: noise, blur, weather, light, processing, occlusion.
CORRUPTIONS: dict[str, str] = {
    "gaussian-noise": "fer_cli.transform.corrupt_noise:gaussian_noise",
    "shot-noise": "fer_cli.transform.corrupt_noise:shot_noise",
    "impulse-noise": "fer_cli.transform.corrupt_noise:impulse_noise",
    "speckle-noise": "fer_cli.transform.corrupt_noise:speckle_noise",
    "defocus-blur": "fer_cli.transform.corrupt_blur:defocus_blur",
    "motion-blur": "fer_cli.transform.corrupt_blur:motion_blur",
    "zoom-blur": "fer_cli.transform.corrupt_blur:zoom_blur",
    "gaussian-blur": "fer_cli.transform.corrupt_blur:gaussian_blur",
    "glass-blur": "fer_cli.transform.corrupt_blur:glass_blur",
    "fog": "fer_cli.transform.corrupt_weather:fog",
    "snow": "fer_cli.transform.corrupt_weather:snow",
    "brightness": "fer_cli.transform.corrupt_tone:brightness",
    "contrast": "fer_cli.transform.corrupt_tone:contrast",
    "saturate": "fer_cli.transform.corrupt_tone:saturate",
    "elastic": "fer_cli.transform.corrupt_digital:elastic",
    "pixelate": "fer_cli.transform.corrupt_digital:pixelate",
    "jpeg": "fer_cli.transform.corrupt_digital:jpeg",
    "patch": "fer_cli.transform.corrupt_occlude:patch",
    "sunglasses": "fer_cli.transform.corrupt_occlude:sunglasses",
    "mask": "fer_cli.transform.corrupt_occlude:mask",
}

#: Ways from features to points of a plane or of space.
EMBEDDINGS: dict[str, str] = {
    "tsne": "fer_cli.analysis.embed.methods:tsne",
    "pca": "fer_cli.analysis.embed.methods:pca",
    "umap": "fer_cli.analysis.embed.methods:umap",
}

#: How suspicious a given label is: labels, probabilities -> 0..1; all but the first by cleanlab.
LABEL_METHODS: dict[str, str] = {
    "mistakes": "fer_cli.analysis.labels.methods:mistakes",
    "self-confidence": "fer_cli.analysis.labels.methods:self_confidence",
    "margin": "fer_cli.analysis.labels.methods:margin",
    "entropy": "fer_cli.analysis.labels.methods:entropy",
    "confident-learning": "fer_cli.analysis.labels.methods:confident_learning",
}

#: Adversarial attacks, from the simplest to the strongest that follow gradients; then those of other kinds.
ATTACKS: dict[str, str] = {
    "fgsm": "fer_cli.attacks.fgsm:Fgsm",
    "bim": "fer_cli.attacks.fgsm:Bim",
    "mifgsm": "fer_cli.attacks.fgsm:MiFgsm",
    "pgd": "fer_cli.attacks.fgsm:Pgd",
    "apgd": "fer_cli.attacks.apgd:Apgd",
    "deepfool": "fer_cli.attacks.deepfool:DeepFool",
    "cw": "fer_cli.attacks.cw:CarliniWagner",
    "square": "fer_cli.attacks.square:Square",
    "universal": "fer_cli.attacks.universal:Universal",
    "patch": "fer_cli.attacks.patch:Patch",
}

#: Saliency methods, in the order of a sheet: gradients, class activation maps, averaged gradients, hidden parts.
SALIENCY: dict[str, str] = {
    "gradient": "fer_cli.saliency.gradient:Gradient",
    "guided-backprop": "fer_cli.saliency.guided:GuidedBackprop",
    "grad-cam": "fer_cli.saliency.cam:GradCam",
    "grad-cam++": "fer_cli.saliency.cam:GradCamPlusPlus",
    "guided-grad-cam": "fer_cli.saliency.guided:GuidedGradCam",
    "smoothgrad": "fer_cli.saliency.gradient:SmoothGrad",
    "integrated-gradients": "fer_cli.saliency.gradient:IntegratedGradients",
    "occlusion": "fer_cli.saliency.occlusion:Occlusion",
    "lime": "fer_cli.saliency.superpixels:Lime",
    "rise": "fer_cli.saliency.rise:Rise",
}


#: Formats of `fer export`: writes an `export.job.Job` to a path.
EXPORTS: dict[str, str] = {
    "onnx": "fer_cli.export.onnx:write",
    "litert": "fer_cli.export.litert:write",
    "saved_model": "fer_cli.export.saved_model:write",
    "keras": "fer_cli.export.keras_file:write",
}


def find(table: Mapping[str, str], name: str, what: str) -> Any:
    """Import and return what `name` stands for in `table`.

    what: the kind of thing, for the error ("architecture"). Raises `UsageError` with the nearest names.
    """
    if name not in table:
        raise UsageError(unknown(what, name, table))
    module, attribute = table[name].split(":")
    return getattr(importlib.import_module(module), attribute)


def unknown(what: str, name: str, names: Iterable[str]) -> str:
    """One line that says a name is unknown and which ones are known, the likely one first."""
    known = list(names)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown {what} {name!r}: {hint}known are {', '.join(known)}"
