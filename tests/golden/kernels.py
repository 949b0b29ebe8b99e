"""Bytes of TensorFlow Lite Micro: the truth for the integer kernels and the integer executor.

usage: kernels.py ops OUT_STEM [--variants N] [--seed S]
           one-operator int8 models with random shapes and scales, their inputs and results
       kernels.py model MODEL.tflite OUT_STEM [--inputs X.npy|X.npz] [-n N] [--seed S]
           a model, inputs (random over the whole range of their type, or the first N of X) and every tensor that a node makes

writes OUT_STEM.bin (models and values, one after another) and OUT_STEM.json, a list of cases:
  name, rounding ("double" or "single"), samples, model: [offset, length],
  tensors: [{id, input, offset, sample_bytes}]    values of all samples, sample after sample, little endian

Truth is tflite-micro's own interpreter, whose kernels round twice. The cases that round once are FULLY_CONNECTED by LiteRT's
reference kernels, which do.

kernels.{bin,json} beside this file: `kernels.py ops kernels --variants 3 --seed 1` with tflite-micro
0.dev20261023182759-g8f6596d, ai-edge-litert 2.3.0, numpy 2.4.6, Python 3.11.
"""
import argparse, json, os, sys
import numpy as np
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from arena import B, OPS, conv_opt, s
from tflite_micro import runtime

I8, I32, F32, U8, I16 = s.TensorType.INT8, s.TensorType.INT32, s.TensorType.FLOAT32, s.TensorType.UINT8, s.TensorType.INT16
NP = {I8: np.int8, I32: np.int32, F32: np.float32, U8: np.uint8, I16: np.int16}
RELUS = (0, 1, 2, 3)  # none, ReLU, ReLU-1-to-1, ReLU6


class Case(B):
    """A model under construction, with random quantizations."""
    def __init__(self, rng): super().__init__(); self.rng = rng
    def scale(self, low=0.002, high=0.4): return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
    def zero(self): return int(self.rng.integers(-128, 128))
    def act(self, shape, scale=None, zp=None, typ=I8):
        return self.tensor(shape, typ, scale=self.scale() if scale is None else scale, zp=self.zero() if zp is None else zp)
    def weights(self, shape, axis, n):
        return self.tensor(shape, I8, scale=[self.scale(0.001, 0.02) for _ in range(n)], axis=axis, data=self.rng.integers(-128, 128, shape).astype(np.int8))
    def bias(self, n): return self.tensor([n], I32, scale=0.001, data=self.rng.integers(-4000, 4000, n).astype(np.int32))
    def q(self, i): q = self.g.tensors[i].quantization; return float(q.scale[0]), int(q.zeroPoint[0])


def op_cases(rng, variants):
    """(name, case, inputs, outputs, samples)"""
    for v in range(variants):
        for nm, code, opt, out in (("logistic", OPS.LOGISTIC, None, (1/256, -128)), ("tanh", OPS.TANH, None, (1/128, 0)), ("relu", OPS.RELU, None, None), ("relu6", OPS.RELU6, None, None),
                                   ("hard_swish", OPS.HARD_SWISH, s.HardSwishOptionsT(), None), ("leaky_relu", OPS.LEAKY_RELU, s.LeakyReluOptionsT(), None), ("quantize", OPS.QUANTIZE, s.QuantizeOptionsT(), None)):
            c = Case(rng); i = c.act([1, 256])
            o = c.act([1, 256], *out) if out else c.act([1, 256], scale=c.q(i)[0] * float(rng.uniform(0.3, 3)))
            if nm == "leaky_relu": opt.alpha = float(rng.uniform(0.01, 0.9))
            c.op(code, [i], [o], opt); yield f"{nm}{v}", c, [i], [o], "all"
        c = Case(rng); d = int(rng.integers(1, 40)); i = c.act([3, d], scale=c.scale(0.01, 1.0)); o = c.act([3, d], 1/256, -128); p = s.SoftmaxOptionsT(); p.beta = float(rng.choice([1.0, 0.5]))
        c.op(OPS.SOFTMAX, [i], [o], p); yield f"softmax{v}", c, [i], [o], 8
        for nm, code, T in (("add", OPS.ADD, s.AddOptionsT), ("sub", OPS.SUB, s.SubOptionsT), ("mul", OPS.MUL, s.MulOptionsT)):
            for kind, left, right in (("", [2, 3, 40], [2, 3, 40]), ("_channel", [1, 3, 4, 20], [20]), ("_both", [1, 5, 1, 8], [1, 1, 6, 8])):
                out = list(np.broadcast_shapes(left, right)); c = Case(rng); a = c.act(left, scale=c.scale(0.01, 0.1)); b = c.act(right, scale=c.scale(0.01, 0.1)); p = T(); p.fusedActivationFunction = int(rng.choice(RELUS))
                o = c.act(out, scale=c.scale(0.002, 0.02) if nm == "mul" else c.scale(0.01, 0.3)); c.op(code, [a, b], [o], p); yield f"{nm}{kind}{v}", c, [a, b], [o], 3
        for per in (False, True):
            n, m, rows = (int(k) for k in rng.integers(1, 70, 3)); rows = 1 + rows % 3; c = Case(rng); i = c.act([rows, n]); w = c.weights([m, n], 0, m if per and m > 1 else 1); bi = c.bias(m) if rng.integers(3) else -1
            o = c.act([rows, m], scale=c.scale(0.05, 0.6)); p = s.FullyConnectedOptionsT(); p.fusedActivationFunction = int(rng.choice(RELUS)); c.op(OPS.FULLY_CONNECTED, [i, w, bi], [o], p)
            yield f"fully_connected{'_per_channel' if per else ''}{v}", c, [i], [o], 6
        for nm in ("conv", "depthwise"):
            h, wd, ic, oc = int(rng.integers(4, 10)), int(rng.integers(4, 10)), int(rng.integers(1, 9)), int(rng.integers(1, 40)); kh, kw = (int(k) for k in rng.integers(1, 4, 2)); st = [int(k) for k in rng.integers(1, 3, 2)]
            dil = [int(k) for k in rng.integers(1, 3, 2)] if st == [1, 1] else [1, 1]; pad = int(rng.integers(0, 2)); reach = [(kh - 1) * dil[0] + 1, (kw - 1) * dil[1] + 1]
            if pad == 1 and (reach[0] > h or reach[1] > wd): pad = 0
            oh, ow = [-(-n // t) if pad == 0 else (n - r) // t + 1 for n, t, r in zip((h, wd), st, reach)]; mult = int(rng.integers(1, 4))
            if nm == "depthwise": oc = ic * mult
            c = Case(rng); i = c.act([1, h, wd, ic]); n = oc if rng.integers(3) and oc > 1 else 1
            w = c.weights([oc, kh, kw, ic], 0, n) if nm == "conv" else c.weights([1, kh, kw, oc], 3, n); bi = c.bias(oc) if rng.integers(3) else -1; o = c.act([1, oh, ow, oc], scale=c.scale(0.05, 0.5))
            p = conv_opt(s.Conv2DOptionsT if nm == "conv" else s.DepthwiseConv2DOptionsT, padding=pad, strideH=st[0], strideW=st[1], dilationHFactor=dil[0], dilationWFactor=dil[1], fusedActivationFunction=int(rng.choice(RELUS)))
            if nm == "depthwise": p.depthMultiplier = mult
            c.op(OPS.CONV_2D if nm == "conv" else OPS.DEPTHWISE_CONV_2D, [i, w, bi][:3 if bi >= 0 else 2], [o], p); yield f"{nm}{v}", c, [i], [o], 3
        for nm, code in (("average_pool", OPS.AVERAGE_POOL_2D), ("max_pool", OPS.MAX_POOL_2D)):
            k, st, pad = int(rng.integers(1, 4)), int(rng.integers(1, 3)), int(rng.integers(0, 2)); c = Case(rng); i = c.act([1, 7, 5, 12]); q = c.q(i); oh, ow = [-(-n // st) if pad == 0 else (n - k) // st + 1 for n in (7, 5)]
            o = c.act([1, oh, ow, 12], *q); p = s.Pool2DOptionsT(); p.padding = pad; p.strideH = p.strideW = st; p.filterHeight = p.filterWidth = k; p.fusedActivationFunction = int(rng.choice((0, 1, 3))); c.op(code, [i], [o], p); yield f"{nm}{v}", c, [i], [o], 4
        for nm, code in (("mean", OPS.MEAN), ("sum", OPS.SUM)):
            for axes, out in (([1, 2], [1, 1, 1, 9]), ([2], [1, 4, 1, 9]), ([3], [1, 4, 6, 1])):
                c = Case(rng); i = c.act([1, 4, 6, 9]); a = c.ints(axes); o = c.act(out, scale=c.q(i)[0] * float(rng.uniform(0.5, 2) * (8 if nm == "sum" else 1))); p = s.ReducerOptionsT(); p.keepDims = True; c.op(code, [i, a], [o], p); yield f"{nm}{len(axes)}{axes[0]}_{v}", c, [i], [o], 4
    # Biases between the results of a scale product in single and in double precision, with weights of zero.
    c = Case(rng); si, sw = np.float32(0.0314), np.float32(0.00271); so = np.float32(float(si) * float(sw) * 2**21); reals = float(si * sw) / float(so), float(si) * float(sw) / float(so); assert reals[0] != reals[1]
    b = np.round((np.arange(1, 100) + 0.5) * (1 / reals[0] + 1 / reals[1]) / 2).astype(np.int32); i = c.act([1, 4], float(si), 0); w = c.tensor([99, 4], I8, scale=float(sw), data=np.zeros((99, 4), np.int8)); bi = c.tensor([99], I32, scale=float(si) * float(sw), data=b); o = c.act([1, 99], float(so), 0)
    c.op(OPS.FULLY_CONNECTED, [i, w, bi], [o], s.FullyConnectedOptionsT()); yield "fully_connected_scale", c, [i], [o], 1
    c = Case(rng); i = c.act([1, 4, 5, 3]); a = c.ints([[0, 0], [1, 2], [0, 3], [0, 0]]); o = c.act([1, 7, 8, 3], *c.q(i)); c.op(OPS.PAD, [i, a], [o], s.PadOptionsT()); yield "pad", c, [i], [o], 2
    c = Case(rng); i = c.act([1, 4, 5, 3]); a = c.ints([0, 3, 1, 2]); o = c.act([1, 3, 4, 5], *c.q(i)); c.op(OPS.TRANSPOSE, [i, a], [o], s.TransposeOptionsT()); yield "transpose", c, [i], [o], 2
    c = Case(rng); i = c.act([1, 4, 5]); j = c.act([1, 4, 2], *c.q(i)); o = c.act([1, 4, 7], *c.q(i)); p = s.ConcatenationOptionsT(); p.axis = 2; c.op(OPS.CONCATENATION, [i, j], [o], p); yield "concatenation", c, [i, j], [o], 2
    c = Case(rng); a = c.tensor([], I32, data=np.array(2, np.int32)); i = c.act([1, 4, 6]); o, o2 = c.act([1, 4, 3], *c.q(i)), c.act([1, 4, 3], *c.q(i)); p = s.SplitOptionsT(); p.numSplits = 2; c.op(OPS.SPLIT, [a, i], [o, o2], p); yield "split", c, [i], [o, o2], 2
    c = Case(rng); i = c.act([6, 4]); j = c.act([6, 4], *c.q(i)); o = c.act([6, 2, 4], *c.q(i)); p = s.PackOptionsT(); p.axis = 1; p.valuesCount = 2; c.op(OPS.PACK, [i, j], [o], p); yield "pack", c, [i, j], [o], 2
    c = Case(rng); i = c.act([1, 8, 6]); b, e, st = c.ints([0, 6, 1]), c.ints([1, 0, 6]), c.ints([1, -2, 2]); o = c.act([1, 3, 3], *c.q(i)); c.op(OPS.STRIDED_SLICE, [i, b, e, st], [o], s.StridedSliceOptionsT()); yield "strided_slice", c, [i], [o], 2
    for nm, corners, centers in (("resize", False, False), ("resize_corners", True, False), ("resize_centers", False, True)):
        c = Case(rng); i = c.act([1, 3, 5, 4]); a = c.ints([7, 8]); o = c.act([1, 7, 8, 4], *c.q(i)); p = s.ResizeNearestNeighborOptionsT(); p.alignCorners = corners; p.halfPixelCenters = centers; c.op(OPS.RESIZE_NEAREST_NEIGHBOR, [i, a], [o], p); yield nm, c, [i], [o], 2
    for nm, ti, to in (("quantize_f32", F32, I8), ("quantize_f32_i16", F32, I16), ("quantize_u8", U8, I8), ("quantize_to_u8", I8, U8), ("quantize_i16", I16, I8)):
        zp = lambda t: {U8: 100, I16: 0}.get(t, -7); c = Case(rng); i = c.tensor([1, 256], ti) if ti == F32 else c.act([1, 256], zp=zp(ti), typ=ti, scale=0.003 if ti == I16 else 0.04); o = c.act([1, 256], scale=0.03, zp=zp(to), typ=to)
        c.op(OPS.QUANTIZE, [i], [o], s.QuantizeOptionsT()); yield nm, c, [i], [o], 2
    for nm, ti in (("dequantize", I8), ("dequantize_i16", I16), ("dequantize_u8", U8)):
        c = Case(rng); i = c.act([1, 256], typ=ti, zp={I8: 9, U8: 140}.get(ti, 0)); o = c.tensor([1, 256], F32); c.op(OPS.DEQUANTIZE, [i], [o], s.DequantizeOptionsT()); yield nm, c, [i], [o], 2


def values(rng, shape, typ, n):
    shape = [n, *shape]
    if n == "all": return np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)
    if typ == F32: return rng.normal(0, 3, shape).astype(np.float32)
    info = np.iinfo(NP[typ]); return rng.integers(info.min, info.max + 1, shape).astype(NP[typ])


def micro(blob, preserve=False):
    c = runtime.InterpreterConfig; return runtime.Interpreter.from_bytes(blob, arena_size=32 << 20, intrepreter_config=c.kPreserveAllTensors if preserve else c.kAllocationRecording)


class Writer:
    def __init__(self, stem): self.stem = stem; self.file = open(stem + ".bin", "wb"); self.cases = []
    def put(self, data): at = self.file.tell(); self.file.write(data); return at
    def case(self, name, rounding, blob, tensors):
        """tensors: [(id, is input, array [samples, ...])]"""
        n = len(tensors[0][2]); rows = [{"id": i, "input": k, "offset": self.put(np.ascontiguousarray(v).tobytes()), "sample_bytes": v.nbytes // n} for i, k, v in tensors]
        self.cases.append({"name": name, "rounding": rounding, "samples": n, "model": [self.put(blob), len(blob)], "tensors": rows})
    def close(self): self.file.close(); json.dump(self.cases, open(self.stem + ".json", "w"), separators=(",", ":"))


def record_ops(stem, variants, seed):
    rng = np.random.default_rng(seed); w = Writer(stem); refused = []
    for name, c, ins, outs, n in op_cases(rng, variants):
        blob = c.bytes(ins, outs); X = [values(rng, c.g.tensors[i].shape, c.g.tensors[i].type, n) for i in ins]; n = len(X[0]); Y = [[] for _ in outs]
        try:
            it = micro(blob)
            for k in range(n):
                for j, x in enumerate(X): it.set_input(x[k], j)
                it.invoke(); [y.append(np.array(it.get_output(j))) for j, y in enumerate(Y)]
        except Exception as e: refused.append((name, str(e)[:60])); continue
        w.case(name, "double", blob, [(i, True, x) for i, x in zip(ins, X)] + [(o, False, np.array(y)) for o, y in zip(outs, Y)])
        if name.startswith("fully_connected") and name != "fully_connected_scale":
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
            it = Interpreter(model_content=blob, experimental_op_resolver_type=OpResolverType.BUILTIN_REF); it.allocate_tensors(); y = []
            for x in X[0]: it.set_tensor(it.get_input_details()[0]["index"], x); it.invoke(); y.append(it.get_tensor(it.get_output_details()[0]["index"]).copy())
            w.case(name + "_single", "single", blob, [(ins[0], True, X[0]), (outs[0], False, np.array(y))])
    w.close(); print(len(w.cases), "cases;", "refused by tflite-micro:", refused)


def record_model(path, stem, inputs, n, seed):
    blob = open(path, "rb").read(); m = s.ModelT.InitFromPackedBuf(blob, 0); g = m.subgraphs[0]; rng = np.random.default_rng(seed); shape = lambda i: [] if g.tensors[i].shape is None else [int(d) for d in g.tensors[i].shape]
    if inputs: a = np.load(inputs); a = a["x"] if inputs.endswith(".npz") else a; X = [a[:n].reshape([-1, *shape(g.inputs[0])]).astype(NP[g.tensors[g.inputs[0]].type])]
    else: X = [values(rng, shape(i), g.tensors[i].type, n) for i in g.inputs]
    n = len(X[0]); made = [int(t) for o in g.operators for t in o.outputs]; Y = {t: [] for t in made}; it = micro(blob, preserve=True)
    for k in range(n):
        for j, x in enumerate(X): it.set_input(x[k], j)
        it.invoke()
        for t in made: v = it.GetTensor(t, 0); Y[t].append(np.array(v["tensor_data"] if isinstance(v, dict) else v))
    w = Writer(stem); w.case(os.path.basename(path), "double", blob, [(int(i), True, x) for i, x in zip(g.inputs, X)] + [(t, False, np.array(Y[t])) for t in made]); w.close(); print(stem, n, "samples,", len(made), "tensors")


if __name__ == "__main__":
    ap = argparse.ArgumentParser(); ap.add_argument("what", choices=["ops", "model"]); ap.add_argument("paths", nargs="+"); ap.add_argument("--variants", type=int, default=3); ap.add_argument("--seed", type=int, default=1); ap.add_argument("--inputs"); ap.add_argument("-n", type=int, default=20)
    a = ap.parse_args()
    if a.what == "ops": record_ops(a.paths[0], a.variants, a.seed)
    else: record_model(a.paths[0], a.paths[1], a.inputs, a.n, a.seed)
