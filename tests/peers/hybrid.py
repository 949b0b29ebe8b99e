#!/usr/bin/env python3
"""What LiteRT's reference kernels make of hybrid and float16 models: the truth for core/src/execute/float/hybrid.

    hybrid.py OUT [SHARED]

Writes OUT/NAME.tflite with inputs NAME.x.npy and outputs NAME.y.npy, [samples, ...]: models of one operator each, made here,
one for every row of the table in core/src/ops/hybrid.rs, and with SHARED (the folder of labelled data and reference models)
the hybrid and float16 models there on their own data. Prints for each how far LiteRT's default, XNNPACK, is off.
"""
import pathlib
import sys

import numpy as np
from ai_edge_litert import interpreter as litert

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
from arena import B, OPS, conv_opt, s  # noqa: E402

F32, I8, I4, I32 = s.TensorType.FLOAT32, s.TensorType.INT8, s.TensorType.INT4, s.TensorType.INT32
RELU, TANH, SAME, VALID = 1, 4, 0, 1
RNG = np.random.default_rng(11)


def run(model, samples, kind):
    engine = litert.Interpreter(model_content=model, experimental_op_resolver_type=kind, num_threads=1)
    engine.allocate_tensors()
    (given,), made = engine.get_input_details(), engine.get_output_details()[0]
    for sample in samples:
        engine.reset_all_variables()
        engine.set_tensor(given["index"], sample.reshape(given["shape"]))
        engine.invoke()
        yield engine.get_tensor(made["index"]).reshape(-1).copy()


def weights(b, shape, n_scales, axis=0, kind=I8):
    limit = 7 if kind == I4 else 127
    values = RNG.integers(-limit, limit + 1, shape).astype(np.int8)
    if kind == I4:
        flat = np.append(values.reshape(-1), [0] * (values.size % 2)).astype(np.uint8) & 15
        values = flat[0::2] | flat[1::2] << 4
    return b.tensor(shape, kind, scale=RNG.uniform(0.001, 0.02, n_scales), data=values, axis=axis)


def floats(b, shape):
    return b.tensor(shape, F32, data=RNG.normal(size=shape).astype(np.float32))


def conv(n_scales, kind=I8, groups=1, padding=SAME, stride=1):
    b = B()
    x, w, bias = b.tensor([1, 9, 7, 4], F32), weights(b, [8, 3, 3, 4 // groups], n_scales, kind=kind), floats(b, [8])
    extent = [-(-n // stride) if padding == SAME else (n - 3) // stride + 1 for n in (9, 7)]
    y = b.tensor([1, *extent, 8], F32)
    options = conv_opt(s.Conv2DOptionsT, padding=padding, strideH=stride, strideW=stride, fusedActivationFunction=RELU)
    b.op(OPS.CONV_2D, [x, w, bias], [y], options)
    return b.bytes([x], [y])


def depthwise(c_in):
    b = B()
    x, w, bias = b.tensor([1, 9, 7, c_in], F32), weights(b, [1, 3, 3, 24], 24, axis=3), floats(b, [24])
    y = b.tensor([1, 5, 4, 24], F32)
    options = conv_opt(s.DepthwiseConv2DOptionsT, strideH=2, strideW=2, depthMultiplier=24 // c_in)
    b.op(OPS.DEPTHWISE_CONV_2D, [x, w, bias], [y], options)
    return b.bytes([x], [y])


def spread(n_scales):
    b = B()
    size, x, w = b.ints([1, 9, 7, 6]), b.tensor([1, 5, 4, 5], F32), weights(b, [6, 3, 3, 5], n_scales)
    bias, y, options = floats(b, [6]), b.tensor([1, 9, 7, 6], F32), s.TransposeConvOptionsT()
    options.strideH = options.strideW = 2
    b.op(OPS.TRANSPOSE_CONV, [size, w, x, bias], [y], options)
    b.m.operatorCodes[-1].version = 3
    return b.bytes([x], [y])


def dense(n_scales, asymmetric, kind=I8, k=300):
    b = B()
    x, w, bias, y = b.tensor([3, k], F32), weights(b, [20, k], n_scales, kind=kind), floats(b, [20]), b.tensor([3, 20], F32)
    options = s.FullyConnectedOptionsT()
    options.asymmetricQuantizeInputs = asymmetric
    b.op(OPS.FULLY_CONNECTED, [x, w, bias], [y], options)
    return b.bytes([x], [y])


def dense_shared():
    """Two layers with the same weights, of which the first alone asks for a zero point."""
    b = B()
    x, w, bias, between, y = b.tensor([1, 32], F32), weights(b, [32, 32], 1), floats(b, [32]), b.tensor([1, 32], F32), b.tensor([1, 32], F32)
    for asymmetric, ends in ((True, (x, between)), (False, (between, y))):
        options = s.FullyConnectedOptionsT()
        options.asymmetricQuantizeInputs, options.fusedActivationFunction = asymmetric, RELU
        b.op(OPS.FULLY_CONNECTED, [ends[0], w, bias], [ends[1]], options)
    return b.bytes([x], [y])


def product(n_scales, asymmetric, adj_x, adj_y, n_right):
    b = B()
    x = b.tensor([2, 12, 3] if adj_x else [2, 3, 12], F32)
    w = weights(b, [n_right, 5, 12] if adj_y else [n_right, 12, 5], n_scales, axis=1 if adj_y else 2)
    y, options = b.tensor([2, 3, 5], F32), s.BatchMatMulOptionsT()
    options.adjX, options.adjY, options.asymmetricQuantizeInputs = adj_x, adj_y, asymmetric
    b.op(OPS.BATCH_MATMUL, [x, w], [y], options)
    return b.bytes([x], [y])


def variable(b, shape):
    state = b.tensor(shape, F32)
    b.g.tensors[state].isVariable = True
    return state


def lstm(asymmetric, coupled=False):
    b = B()
    x = b.tensor([1, 6, 5], F32)
    gates = [[weights(b, [7, columns], 1) for _ in range(4)] for columns in (5, 7)]
    biases = [floats(b, [7]) for _ in range(4)]
    for gate in (*gates, biases):
        gate[0] = -1 if coupled else gate[0]
    states = [variable(b, [1, 7]) for _ in range(2)]
    y, options = b.tensor([1, 6, 7], F32), s.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction, options.asymmetricQuantizeInputs = TANH, asymmetric
    operands = [x, *gates[0], *gates[1], -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1]
    b.op(OPS.UNIDIRECTIONAL_SEQUENCE_LSTM, operands, [y], options)
    return b.bytes([x], [y])


def rnn(asymmetric):
    b = B()
    x, w, r, bias = b.tensor([1, 6, 5], F32), weights(b, [7, 5], 1), weights(b, [7, 7], 1), floats(b, [7])
    y, options = b.tensor([1, 6, 7], F32), s.SequenceRNNOptionsT()
    options.fusedActivationFunction, options.asymmetricQuantizeInputs = TANH, asymmetric
    b.op(OPS.UNIDIRECTIONAL_SEQUENCE_RNN, [x, w, r, bias, variable(b, [1, 7])], [y], options)
    return b.bytes([x], [y])


def made():
    """Name and model."""
    for n_scales, name in ((1, "tensor"), (8, "channel")):
        for kind, bits in ((I8, 8), (I4, 4)):
            yield f"conv_{name}_int{bits}", conv(n_scales, kind)
        yield f"conv_{name}_valid_stride", conv(n_scales, padding=VALID, stride=2)
    yield "conv_channel_grouped", conv(8, groups=2)
    for c_in in (1, 8, 24):
        yield f"depthwise_{c_in}", depthwise(c_in)
    for n_scales in (1, 6):
        yield f"spread_{n_scales}", spread(n_scales)
    yield "dense_shared", dense_shared()
    for asymmetric in (False, True):
        end = "_asymmetric" if asymmetric else ""
        for n_scales, name in ((1, "tensor"), (20, "channel")):
            yield f"dense_{name}{end}", dense(n_scales, asymmetric)
            yield f"dense_{name}_int4{end}", dense(n_scales, asymmetric, I4)
            # Sums of some millions, where floats are near the end of their integers.
            yield f"dense_{name}_long{end}", dense(n_scales, asymmetric, k=3000)
        for adj_x in (False, True):
            for adj_y in (False, True):
                name = f"product{'_x' * adj_x}{'_y' * adj_y}{end}"
                yield name, product(1, asymmetric, adj_x, adj_y, 2)
                yield f"{name}_channel", product(5, asymmetric, adj_x, adj_y, 1)
        yield f"lstm{end}", lstm(asymmetric)
        yield f"lstm_coupled{end}", lstm(asymmetric, coupled=True)
        yield f"rnn{end}", rnn(asymmetric)


def samples_for(model):
    shape = litert.Interpreter(model_content=model).get_input_details()[0]["shape"]
    x = RNG.normal(size=(12, *shape)).astype(np.float32)
    # One sided, all of one value, and nothing at all: where the grid's ends meet zero.
    x[0], x[1], x[2], x[3] = abs(x[0]), -abs(x[1]), 0.75, 0
    return x


def real(shared):
    """Name, model, samples."""
    digits = np.load(shared / "models/fsdd_dscnn/fsdd_dscnn_data.npz")["x"][:300]
    for name in ("dynamic", "float16"):
        yield f"fsdd_{name}", (shared / f"models/fsdd_dscnn/fsdd_dscnn_{name}.tflite").read_bytes(), digits
    words = np.load(shared / "kws01/kws01.npz")
    x = (words["x"][:300].astype(np.float32) - np.float32(words["zero_point"])) * np.float32(words["scale"])
    yield "kws", (shared / "mlperf_tiny/kws/kws_ref_model_float32.tflite").read_bytes(), x
    frames = np.fromfile(shared / "mlperf_tiny/ad/normal_id_01_00000000_hist_librosa.bin", "<f4").reshape(-1, 128)
    windows = np.stack([frames[i : i + 5].reshape(-1) for i in range(len(frames) - 4)])
    yield "toycar", (shared / "mlperf_tiny/ad/model_ToyCar_quant.tflite").read_bytes(), windows


def main():
    out, kinds = pathlib.Path(sys.argv[1]), litert.OpResolverType
    cases = [(name, model, samples_for(model)) for name, model in made()]
    cases += real(pathlib.Path(sys.argv[2])) if len(sys.argv) > 2 else []
    for name, model, x in cases:
        y = np.array(list(run(model, x, kinds.BUILTIN_REF)))
        default = np.abs(np.array(list(run(model, x, kinds.AUTO))) - y).max()
        print(f"{name:32s} {len(x):4d} samples, largest output {np.abs(y).max():8.3f}, XNNPACK off by {default:.1e}")
        (out / f"{name}.tflite").write_bytes(model)
        np.save(out / f"{name}.x.npy", np.ascontiguousarray(x, np.float32))
        np.save(out / f"{name}.y.npy", y)


main()
