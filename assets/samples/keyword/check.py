"""Accuracy of keyword_float32.tflite over keyword.npz, by LiteRT: the figures in README.md.

    python assets/samples/keyword/check.py [MODEL.tflite]
"""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = Path(__file__).parent


def predict(model, x):
    """Class of each sample. Float or integer model; its own scale and zero point are applied."""
    # The reference kernels: what a model means, not what a delegate makes of it.
    interpreter = Interpreter(str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    if into["dtype"] != np.float32:
        scale, zero_point = into["quantization"]
        limits = np.iinfo(into["dtype"])
        x = np.clip(np.round(x / scale) + zero_point, limits.min, limits.max).astype(into["dtype"])
    classes = []
    for sample in x:
        interpreter.set_tensor(into["index"], sample[None])
        interpreter.invoke()
        classes.append(interpreter.get_tensor(out["index"])[0].argmax())
    return np.array(classes)


def main(model):
    data = np.load(HERE / "keyword.npz")
    right = predict(model, data["x"]) == data["y"]
    for split in ("calibration", "test"):
        rows = data["split"] == split
        print(f"{split}: {right[rows].sum()} of {rows.sum()} right, {100 * right[rows].mean():.2f} %")
    for label, name in enumerate(data["labels"]):
        rows = (data["split"] == "test") & (data["y"] == label)
        print(f"  {name}: {right[rows].sum()} of {rows.sum()}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE / "keyword_float32.tflite")
