"""Bytes of 16-bit operators (int16 activations, int8 weights): TensorFlow Lite Micro's, or where it has no such kernel LiteRT's.

usage: kernels_int16.py OUT_STEM [--variants N] [--seed S]

One-operator models with random shapes and scales and inputs over the whole range of int16; writes what kernels.py writes, read
by tests/tests/parity.rs. Prints which operators either runtime refuses: the truth for `has_int16_kernel`.

kernels_int16.{bin,json} beside this file: `kernels_int16.py kernels_int16 --variants 2 --seed 1` with tflite-micro
0.dev20261023182759-g8f6596d, ai-edge-litert 2.3.0, numpy 2.4.6, Python 3.11.
"""
import argparse
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from kernels import F32, I8, I16, I32, NP, OPS, RELUS, Case, Writer, conv_opt, micro, s

I64, U8 = s.TensorType.INT64, s.TensorType.UINT8
NP = {**NP, I64: np.int64}


class Case16(Case):
    """Symmetric int16 activations."""
    def act(self, shape, scale=None, zp=0, typ=I16): return super().act(shape, scale=self.scale(1e-5, 1e-3) if scale is None else scale, zp=zp, typ=typ)
    def like(self, i, shape): return self.act(shape, self.q(i)[0])
    def wide_bias(self, n, typ, room, scale): return self.tensor([n], typ, scale=scale, data=self.rng.normal(0, 0.3 * room, n).astype(NP[typ]))


def layer(c, i, shape, axis, n, per, kind, depth):
    """Weights, a bias of `kind` and an output scale at which results fill 16 bits, and sometimes more."""
    w = c.weights(shape, axis, n if per else 1); room = 32768 * 74 * depth ** 0.5
    ins = [i, w] + ([] if kind is None else [c.wide_bias(n, kind, room, np.float32(c.q(i)[0]) * c.g.tensors[w].quantization.scale)])
    scale = c.q(i)[0] * float(np.mean(c.g.tensors[w].quantization.scale)) * room / 32768
    return ins, scale * c.scale(0.3, 3)


def weighted(rng, v):
    for kind, suffix in ((I64, "_int64"), (I32, "_int32"), (None, "")):
        c = Case16(rng); n, m, rows = (int(k) for k in rng.integers(2, 300, 3)); m, rows = 1 + m % 40, 1 + rows % 3; i = c.act([rows, n]); ins, so = layer(c, i, [m, n], 0, m, bool(rng.integers(2)) and m > 1, kind, n)
        o = c.act([rows, m], so); p = s.FullyConnectedOptionsT(); p.fusedActivationFunction = int(rng.choice(RELUS)); c.op(OPS.FULLY_CONNECTED, [*ins, *([-1] if kind is None else [])], [o], p); yield f"fully_connected{suffix}{v}", c, [i], [o], 4
        for nm in ("conv", "depthwise"):
            if nm == "depthwise" and kind == I32: continue  # LiteRT refuses it, TFLM reads beyond the bias: it takes its values for int64
            h, wd, ic, oc = int(rng.integers(4, 9)), int(rng.integers(4, 9)), int(rng.integers(1, 9)), int(rng.integers(2, 30)); kh, kw = (int(k) for k in rng.integers(1, 4, 2)); st = [int(k) for k in rng.integers(1, 3, 2)]
            dil = [int(k) for k in rng.integers(1, 3, 2)] if st == [1, 1] else [1, 1]; oh, ow = [-(-n // t) for n, t in zip((h, wd), st)]; mult = int(rng.integers(1, 4))
            if nm == "depthwise": oc = ic * mult
            c = Case16(rng); i = c.act([1, h, wd, ic]); shape, axis = ([oc, kh, kw, ic], 0) if nm == "conv" else ([1, kh, kw, oc], 3)
            ins, so = layer(c, i, shape, axis, oc, rng.integers(3) > 0 and oc > 1, kind, kh * kw * (ic if nm == "conv" else 1)); o = c.act([1, oh, ow, oc], so)
            p = conv_opt(s.Conv2DOptionsT if nm == "conv" else s.DepthwiseConv2DOptionsT, padding=0, strideH=st[0], strideW=st[1], dilationHFactor=dil[0], dilationWFactor=dil[1], fusedActivationFunction=int(rng.choice(RELUS)))
            if nm == "depthwise": p.depthMultiplier = mult
            c.op(OPS.CONV_2D if nm == "conv" else OPS.DEPTHWISE_CONV_2D, ins, [o], p); yield f"{nm}{suffix}{v}", c, [i], [o], 2


def plain(rng, v):
    for nm, code, opt, out in (("logistic", OPS.LOGISTIC, None, 1/32768), ("tanh", OPS.TANH, None, 1/32768), ("relu", OPS.RELU, None, 0), ("relu6", OPS.RELU6, None, 0), ("relu_n1_to_1", OPS.RELU_N1_TO_1, None, 0), ("relu_0_to_1", OPS.RELU_0_TO_1, None, 0),
                               ("hard_swish", OPS.HARD_SWISH, s.HardSwishOptionsT(), 0), ("leaky_relu", OPS.LEAKY_RELU, s.LeakyReluOptionsT(), 0)):
        scales = [1/4096, 1.0004/4096, 1/8192, 1/2048, 1e-6, 2.5] if out and not v else [None]
        for k, scale in enumerate(scales):
            c = Case16(rng); i = c.act([1, 700], scale); o = c.act([1, 700], out or c.q(i)[0] * float(rng.uniform(0.3, 3)))
            if nm == "leaky_relu": opt.alpha = float(rng.uniform(0.01, 0.9)) * (1 - 2 * v)
            c.op(code, [i], [o], opt); yield f"{nm}{v}" + f"_{k}" * (len(scales) > 1), c, [i], [o], 2
    for top in (1e-4, 2e-3):
        c = Case16(rng); d = int(rng.integers(1, 40)); i = c.act([3, d], scale=c.scale(top / 10, top)); o = c.act([3, d], 1/32768); p = s.SoftmaxOptionsT(); p.beta = float(rng.choice([1.0, 0.5])); c.op(OPS.SOFTMAX, [i], [o], p); yield f"softmax{v}_{top}", c, [i], [o], 6
    for nm, code, T in (("add", OPS.ADD, s.AddOptionsT), ("sub", OPS.SUB, s.SubOptionsT), ("mul", OPS.MUL, s.MulOptionsT)):
        for kind, left, right in (("", [2, 3, 40], [2, 3, 40]), ("_channel", [1, 3, 4, 20], [20]), ("_both", [1, 5, 1, 8], [1, 1, 6, 8])):
            out = list(np.broadcast_shapes(left, right)); c = Case16(rng); a = c.act(left); b = c.act(right, c.q(a)[0] * c.scale(0.2, 5)); p = T(); p.fusedActivationFunction = int(rng.choice(RELUS))
            if nm != "mul": p.potScaleInt16 = False
            o = c.act(out, scale=c.q(a)[0] * c.q(b)[0] * 32768 * c.scale(0.05, 1) if nm == "mul" else max(c.q(a)[0], c.q(b)[0]) * c.scale(0.1, 2)); c.op(code, [a, b], [o], p); yield f"{nm}{kind}{v}", c, [a, b], [o], 2
    for nm, code in (("average_pool", OPS.AVERAGE_POOL_2D), ("max_pool", OPS.MAX_POOL_2D)):
        k, st, pad = int(rng.integers(1, 4)), int(rng.integers(1, 3)), int(rng.integers(0, 2)); c = Case16(rng); i = c.act([1, 7, 5, 12]); oh, ow = [-(-n // st) if pad == 0 else (n - k) // st + 1 for n in (7, 5)]
        o = c.like(i, [1, oh, ow, 12]); p = s.Pool2DOptionsT(); p.padding = pad; p.strideH = p.strideW = st; p.filterHeight = p.filterWidth = k; p.fusedActivationFunction = int(rng.choice((0, 1, 3))); c.op(code, [i], [o], p); yield f"{nm}{v}", c, [i], [o], 2
    for nm, code in (("mean", OPS.MEAN), ("sum", OPS.SUM)):
        for axes, out in (([1, 2], [1, 1, 1, 9]), ([2], [1, 4, 1, 9]), ([3], [1, 4, 6, 1])):
            c = Case16(rng); i = c.act([1, 4, 6, 9]); a = c.ints(axes); o = c.act(out, scale=c.q(i)[0] * float(rng.uniform(0.2, 2) * (8 if nm == "sum" else 1))); p = s.ReducerOptionsT(); p.keepDims = True; c.op(code, [i, a], [o], p); yield f"{nm}{len(axes)}{axes[0]}_{v}", c, [i], [o], 2


def moves(rng):
    c = Case16(rng); i = c.act([1, 4, 5, 3]); a = c.ints([[0, 0], [1, 2], [0, 3], [0, 0]]); o = c.like(i, [1, 7, 8, 3]); c.op(OPS.PAD, [i, a], [o], s.PadOptionsT()); yield "pad", c, [i], [o], 1
    c = Case16(rng); i = c.act([1, 4, 5, 3]); a = c.ints([0, 3, 1, 2]); o = c.like(i, [1, 3, 4, 5]); c.op(OPS.TRANSPOSE, [i, a], [o], s.TransposeOptionsT()); yield "transpose", c, [i], [o], 1
    c = Case16(rng); i = c.act([1, 4, 5]); a = c.ints([1, 20]); o = c.like(i, [1, 20]); c.op(OPS.RESHAPE, [i, a], [o], s.ReshapeOptionsT()); yield "reshape", c, [i], [o], 1
    c = Case16(rng); i = c.act([1, 4, 5]); o = c.like(i, [4, 5]); p = s.SqueezeOptionsT(); p.squeezeDims = np.array([0], np.int32); c.op(OPS.SQUEEZE, [i], [o], p); yield "squeeze", c, [i], [o], 1
    c = Case16(rng); i = c.act([4, 5]); a = c.ints([0]); o = c.like(i, [1, 4, 5]); c.op(OPS.EXPAND_DIMS, [i, a], [o], s.ExpandDimsOptionsT()); yield "expand_dims", c, [i], [o], 1
    c = Case16(rng); i = c.act([1, 4, 5]); j = c.like(i, [1, 4, 2]); o = c.like(i, [1, 4, 7]); p = s.ConcatenationOptionsT(); p.axis = 2; c.op(OPS.CONCATENATION, [i, j], [o], p); yield "concatenation", c, [i, j], [o], 1
    c = Case16(rng); a = c.tensor([], I32, data=np.array(2, np.int32)); i = c.act([1, 4, 6]); o, o2 = c.like(i, [1, 4, 3]), c.like(i, [1, 4, 3]); p = s.SplitOptionsT(); p.numSplits = 2; c.op(OPS.SPLIT, [a, i], [o, o2], p); yield "split", c, [i], [o, o2], 1
    c = Case16(rng); i = c.act([1, 4, 6]); n = c.ints([2, 4]); a = c.tensor([], I32, data=np.array(2, np.int32)); o, o2 = c.like(i, [1, 4, 2]), c.like(i, [1, 4, 4]); p = s.SplitVOptionsT(); p.numSplits = 2; c.op(OPS.SPLIT_V, [i, n, a], [o, o2], p); yield "split_v", c, [i], [o, o2], 1
    c = Case16(rng); i = c.act([6, 4]); j = c.like(i, [6, 4]); o = c.like(i, [6, 2, 4]); p = s.PackOptionsT(); p.axis = 1; p.valuesCount = 2; c.op(OPS.PACK, [i, j], [o], p); yield "pack", c, [i, j], [o], 1
    c = Case16(rng); i = c.act([6, 2, 4]); o, o2 = c.like(i, [6, 4]), c.like(i, [6, 4]); p = s.UnpackOptionsT(); p.axis = 1; p.num = 2; c.op(OPS.UNPACK, [i], [o, o2], p); yield "unpack", c, [i], [o, o2], 1
    c = Case16(rng); i = c.act([1, 8, 6]); b, e, st = c.ints([0, 6, 1]), c.ints([1, 0, 6]), c.ints([1, -2, 2]); o = c.like(i, [1, 3, 3]); c.op(OPS.STRIDED_SLICE, [i, b, e, st], [o], s.StridedSliceOptionsT()); yield "strided_slice", c, [i], [o], 1
    c = Case16(rng); i = c.act([1, 8, 6]); b, e = c.ints([0, 2, 1]), c.ints([1, 3, 4]); o = c.like(i, [1, 3, 4]); c.op(OPS.SLICE, [i, b, e], [o], s.SliceOptionsT()); yield "slice", c, [i], [o], 1
    for nm, corners, centers in (("resize", False, False), ("resize_corners", True, False), ("resize_centers", False, True)):
        c = Case16(rng); i = c.act([1, 3, 5, 4]); a = c.ints([7, 8]); o = c.like(i, [1, 7, 8, 4]); p = s.ResizeNearestNeighborOptionsT(); p.alignCorners = corners; p.halfPixelCenters = centers; c.op(OPS.RESIZE_NEAREST_NEIGHBOR, [i, a], [o], p); yield nm, c, [i], [o], 1


def conversions(rng):
    names = {F32: "f32", I8: "i8", U8: "u8", I16: "i16", I32: "i32"}; zp = lambda t: {U8: 100, I8: -7}.get(t, 0); scale = {F32: 0.0, I8: 0.04, U8: 0.04, I16: 2e-4, I32: 3e-9}
    for ti, to in ((F32, I16), (I8, I16), (U8, I16), (I16, I16), (I32, I16), (I16, I8), (I16, U8), (I16, I32)):
        for wide in (1.0, 0.013):
            c = Case16(rng); i = c.tensor([1, 256], ti) if ti == F32 else c.act([1, 256], zp=zp(ti), typ=ti, scale=scale[ti]); o = c.act([1, 256], scale=scale[to] * 0.77 * wide, zp=zp(to), typ=to); c.op(OPS.QUANTIZE, [i], [o], s.QuantizeOptionsT()); yield f"quantize_{names[ti]}_{names[to]}_{wide}", c, [i], [o], 1
    for zero in (0, 321):
        c = Case16(rng); i = c.act([1, 256], zp=zero); o = c.tensor([1, 256], F32); c.op(OPS.DEQUANTIZE, [i], [o], s.DequantizeOptionsT()); yield f"dequantize_{zero}", c, [i], [o], 1


def mixed(rng):
    """8 bits, 16 bits in the middle, 8 bits again."""
    c = Case16(rng); i = c.act([1, 30], scale=0.03, zp=-5, typ=I8); a = c.act([1, 20], scale=0.02, zp=7, typ=I8); b = c.act([1, 20], scale=1e-4); d = c.act([1, 12], scale=2e-4); e = c.act([1, 12], scale=2e-4); o = c.act([1, 12], scale=0.05, zp=11, typ=I8)
    bias = lambda n, typ, scale: c.tensor([n], typ, scale=scale, data=rng.integers(-4000, 4000, n).astype(NP[typ])); w, v = c.weights([20, 30], 0, 1), c.weights([12, 20], 0, 12); scale = lambda t, w: np.float32(c.q(t)[0]) * c.g.tensors[w].quantization.scale
    c.op(OPS.FULLY_CONNECTED, [i, w, bias(20, I32, scale(i, w))], [a], s.FullyConnectedOptionsT()); c.op(OPS.QUANTIZE, [a], [b], s.QuantizeOptionsT()); c.op(OPS.FULLY_CONNECTED, [b, v, bias(12, I64, scale(b, v))], [d], s.FullyConnectedOptionsT())
    c.op(OPS.LEAKY_RELU, [d], [e], s.LeakyReluOptionsT()); c.op(OPS.QUANTIZE, [e], [o], s.QuantizeOptionsT()); yield "mixed", c, [i], [o], 8


def values(rng, shape, typ, n):
    if typ == F32: return rng.normal(0, 3, [n, *shape]).astype(np.float32)
    info = np.iinfo(NP[typ]); x = rng.integers(info.min, info.max + 1, [n, *shape]).astype(NP[typ]); edge = rng.integers(0, 12, x.shape); x[edge == 0] = info.min; x[edge == 1] = info.max; return x


def run_tflm(blob, X, outs):
    it = micro(blob); Y = [[] for _ in outs]
    for k in range(len(X[0])):
        for j, x in enumerate(X): it.set_input(x[k], j)
        it.invoke(); [y.append(np.array(it.get_output(j))) for j, y in enumerate(Y)]
    return [np.array(y) for y in Y]


def run_litert(blob, X, outs):
    it = Interpreter(model_content=blob, experimental_op_resolver_type=OpResolverType.BUILTIN_REF); it.allocate_tensors(); Y = [[] for _ in outs]
    for k in range(len(X[0])):
        for d, x in zip(it.get_input_details(), X): it.set_tensor(d["index"], x[k])
        it.invoke(); [y.append(it.get_tensor(d["index"]).copy()) for d, y in zip(it.get_output_details(), Y)]
    return [np.array(y) for y in Y]


def main(stem, variants, seed):
    rng = np.random.default_rng(seed); w = Writer(stem); cases = [*moves(rng), *conversions(rng), *mixed(rng)]
    for v in range(variants): cases += [*weighted(rng, v), *plain(rng, v)]
    for name, c, ins, outs, n in cases:
        blob = c.bytes(ins, outs); X = [values(rng, c.g.tensors[i].shape, c.g.tensors[i].type, n) for i in ins]; said = {}
        for runtime, run in (("tflm", run_tflm), ("litert", run_litert)):
            try: said[runtime] = run(blob, X, outs)
            except Exception as e: print(name, "refused by", runtime, str(e)[:90].replace("\n", " "))
        if len(said) == 2 and any((a != b).any() for a, b in zip(*said.values())): print(name, "differs between both in", sum(int((a != b).sum()) for a, b in zip(*said.values())), "of", sum(a.size for a in said["tflm"]))
        if said: w.case(name, "double", blob, [(i, True, x) for i, x in zip(ins, X)] + [(o, False, y) for o, y in zip(outs, next(iter(said.values())))])
    w.close(); print(len(w.cases), "cases")


if __name__ == "__main__":
    ap = argparse.ArgumentParser(); ap.add_argument("stem"); ap.add_argument("--variants", type=int, default=2); ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    main(a.stem, a.variants, a.seed)
