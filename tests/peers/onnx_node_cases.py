"""Writes ONNX's own node tests as files for tests/tests/onnx_nodes.rs.

usage: onnx_node_cases.py FOLDER        (needs the package onnx)

One folder a case: model.onnx, and for each input and output that is left its values as little-endian float32. Operands that a
layer holds (weights, axes, shapes) become initializers: the tests pass them at run time, trained models do not.

Left out is what no network on a microcontroller has: volumes (3-D), training mode, places of maxima, values without elements,
several sequences at once, cubic, smoothed and cropping Resize, numbers of other types than float32 where a layer computes with them (on constants all types stay).
"""
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

warnings.filterwarnings("ignore")
from onnx.backend.test.case.node import collect_testcases  # noqa: E402

OPERATORS = """Conv ConvTranspose Gemm MatMul BatchNormalization Relu Clip LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh
Softmax LogSoftmax Elu Gelu Add Sub Mul Div Min Max Concat Split Slice Pad Transpose Reshape Flatten Squeeze Unsqueeze
AveragePool MaxPool GlobalAveragePool GlobalMaxPool ReduceMean ReduceSum ReduceMax LSTM GRU Resize Identity Dropout Cast Constant
Shape Gather ConstantOfShape Range Expand QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul""".split()
FOLDED = """Identity Cast Constant Shape Gather ConstantOfShape Range Expand Concat Slice Reshape Squeeze Unsqueeze Transpose
Split Flatten Add Sub Mul Div Min Max QuantizeLinear DequantizeLinear""".split()
LAYERS = [name for name in OPERATORS if name not in FOLDED]
KINDS = ["float32", "float16", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
ALL_ARE_DATA = {"Add", "Sub", "Mul", "Div", "Min", "Max", "Concat"}


def main(folder):
    for case in collect_testcases(None):
        graph = case.model.graph if case.model else None
        if graph is None or len(graph.node) != 1 or graph.node[0].op_type not in OPERATORS or not case.data_sets:
            continue
        inputs, outputs = case.data_sets[0]
        if any(not isinstance(value, np.ndarray) for value in [*inputs, *outputs]):
            continue
        if not matters(graph.node[0], inputs, outputs):
            continue
        write(os.path.join(folder, case.name), case.model, inputs, outputs)


def matters(node, inputs, outputs):
    if any(value.ndim > 4 for value in [*inputs, *outputs]) and node.op_type in LAYERS:
        return False
    # Shapes without extents are lists without elements.
    if any(value.size == 0 and value.ndim != 1 for value in [*inputs, *outputs]):
        return False
    if node.op_type in LAYERS and inputs[0].dtype != np.float32:
        return False
    if any(value.dtype == object or value.dtype.name not in KINDS for value in [*inputs, *outputs]):
        return False
    if node.op_type in ("LSTM", "GRU"):
        batch_first = any(attribute.name == "layout" and attribute.i for attribute in node.attribute)
        if inputs[0].shape[0 if batch_first else 1] != 1:
            return False
    if node.op_type == "Resize":
        texts = [attribute.s for attribute in node.attribute]
        if b"cubic" in texts or b"tf_crop_and_resize" in texts or any(a.name == "antialias" and a.i for a in node.attribute):
            return False
    training = any(attribute.name == "training_mode" and attribute.i for attribute in node.attribute)
    return not training and not (node.op_type == "MaxPool" and len(node.output) > 1)


def write(folder, model, inputs, outputs):
    os.makedirs(folder, exist_ok=True)
    graph, kept = model.graph, []
    is_float = bool(inputs) and inputs[0].dtype == np.float32
    for index, (info, value) in enumerate(zip(list(graph.input), inputs)):
        operator = graph.node[0].op_type
        if is_float and value.dtype == np.float32 and (index == 0 or operator in ALL_ARE_DATA):
            kept.append(value)
        else:
            graph.initializer.append(numpy_helper.from_array(value, info.name))
            graph.input.remove(info)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    for kind, values in [("input", kept), ("output", outputs)]:
        for index, value in enumerate(values):
            np.ascontiguousarray(value).astype("<f4").tofile(os.path.join(folder, f"{kind}_{index}.f32"))


main(sys.argv[1])
