"""Makes tests/golden/keras: small models with every layer that is imported, saved by Keras 3 and by Keras 2, and their outputs.

usage: keras_layers.py FOLDER        needs tensorflow, keras (3) and tf_keras (2) from PyPI
Each model has several inputs and one output a layer. <model>_x<i>.npy are the inputs of 2 samples, <model>_y.npy the outputs,
flattened and joined, [2, all].
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras as keras_3
import numpy as np
import tf_keras as keras_2

OUT = sys.argv[1]
RANDOM = np.random.default_rng(20261127)


def images(k):
    """Layers over images, and functions of one value."""
    L = k.layers
    image, vector = k.Input((9, 8, 3), name="image"), k.Input((5,), name="vector")
    shared = L.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    once = shared(image)
    inner_in = k.Input((9, 8, 3), name="inner_in")
    inner = k.Model(inner_in, L.BatchNormalization(name="inner_bn")(L.Conv2D(3, 1, name="inner_conv")(inner_in)), name="inner")
    row = k.Sequential([k.Input((5,)), L.Dense(4, activation="tanh", name="row_dense"), L.Dense(3, name="row_out")], name="row")
    other = L.Conv2D(3, (1, 2), padding="same", name="other")(image)
    outs = [
        L.Conv2D(4, (3, 2), strides=2, padding="same", activation="sigmoid", name="conv_sigmoid")(image),
        L.Conv2D(4, 2, dilation_rate=2, use_bias=False, activation="relu6" if k is keras_3 else None, name="conv_dilated")(image),
        L.Conv2D(6, 3, groups=3, name="conv_grouped")(image),
        L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="depthwise")(image),
        L.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="tanh", name="separable")(image),
        L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu", name="transposed_same")(image),
        L.Conv2DTranspose(2, (2, 3), strides=(1, 2), padding="valid", name="transposed_valid")(image),
        L.BatchNormalization(scale=False, name="bn_no_scale")(image),
        L.BatchNormalization(center=False, epsilon=0.01, name="bn_no_center")(image),
        L.ReLU(max_value=0.5, name="relu_clipped")(image),
        L.ReLU(negative_slope=0.25, name="relu_sloped")(image),
        L.LeakyReLU(name="leaky")(image),
        L.PReLU(shared_axes=[1, 2], name="prelu_shared")(image),
        L.PReLU(name="prelu")(vector),
        L.ELU(alpha=0.7, name="elu")(image),
        L.Softmax(name="softmax")(image),
        *[L.Activation(f, name="act_" + f)(image) for f in ("relu", "sigmoid", "tanh", "swish", "gelu", "hard_sigmoid", "selu",
                                                           "softplus", "softsign", "exponential", "elu", "softmax", "linear")],
        L.AveragePooling2D((3, 2), strides=2, padding="same", name="average")(image),
        L.MaxPooling2D(2, name="max")(image),
        L.GlobalAveragePooling2D(name="global_average")(image),
        L.GlobalAveragePooling2D(keepdims=True, name="global_average_kept")(image),
        L.GlobalMaxPooling2D(name="global_max")(image),
        L.ZeroPadding2D(((1, 2), (0, 3)), name="padding")(image),
        L.Cropping2D(((1, 2), (0, 3)), name="cropping")(image),
        L.UpSampling2D((2, 3), name="nearest")(image),
        L.UpSampling2D(2, interpolation="bilinear", name="bilinear")(image),
        L.Dense(4, activation="relu", name="dense_on_image")(image),
        L.Reshape((12, -1), name="reshape")(image),
        L.Permute((2, 3, 1), name="permute")(image),
        L.Flatten(name="flatten")(image),
        L.Dropout(0.5, name="dropout")(L.GaussianNoise(0.1, name="noise")(image)),
        L.Add(name="add")([image, once, other]),
        L.Subtract(name="subtract")([image, once]),
        L.Multiply(name="multiply")([image, once]),
        L.Average(name="mean_of")([image, once, other]),
        L.Maximum(name="maximum")([image, once]),
        L.Minimum(name="minimum")([image, once]),
        L.Concatenate(name="concatenate")([image, once]),
        L.Concatenate(axis=1, name="concatenate_rows")([image, once]),
        L.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(image),
        L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5], name="normalization")(image),
        shared(other),
        inner(image), inner(other),
        row(vector),
        L.Dense(3, activation="softmax", name="probabilities")(L.Flatten(name="flat")(inner(once))),
    ]
    return k.Model([image, vector], outs, name="images"), [(9, 8, 3), (5,)]


def sequences(k):
    """Layers over sequences."""
    L = k.layers
    x, vector = k.Input((10, 3), name="sequence"), k.Input((4,), name="vector")
    outs = [
        L.Conv1D(4, 3, padding="same", activation="relu", name="conv_same")(x),
        L.Conv1D(4, 3, padding="causal", dilation_rate=2, name="conv_causal")(x),
        L.Conv1D(4, 3, strides=2, name="conv_strided")(x),
        L.SeparableConv1D(4, 3, activation="relu", name="separable")(x),
        L.DepthwiseConv1D(3, depth_multiplier=2, padding="same", name="depthwise")(x),
        L.Conv1DTranspose(4, 3, strides=2, padding="same", name="transposed")(x),
        L.BatchNormalization(name="bn")(x),
        L.MaxPooling1D(2, name="max")(x),
        L.AveragePooling1D(3, strides=2, padding="same", name="average")(x),
        L.GlobalAveragePooling1D(name="global_average")(x),
        L.GlobalMaxPooling1D(name="global_max")(x),
        L.ZeroPadding1D((1, 2), name="padding")(x),
        L.Cropping1D((1, 2), name="cropping")(x),
        L.UpSampling1D(2, name="repeated")(x),
        L.Dense(5, activation="relu", name="dense")(x),
        L.TimeDistributed(L.Dense(4, activation="tanh"), name="distributed")(x),
        L.RepeatVector(3, name="repeat")(vector),
        L.Permute((2, 1), name="permute")(x),
        L.LSTM(4, name="lstm")(x),
        L.LSTM(4, return_sequences=True, use_bias=False, name="lstm_sequence")(x),
        L.LSTM(4, go_backwards=True, name="lstm_backwards")(x),
        L.GRU(4, name="gru")(x),
        L.GRU(4, reset_after=False, return_sequences=True, name="gru_before")(x),
        L.SimpleRNN(4, return_sequences=True, name="simple")(x),
        L.Bidirectional(L.LSTM(3), name="both")(x),
        L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="sum", name="both_sequence")(x),
        L.Bidirectional(L.GRU(3, return_sequences=True), name="both_gru")(x),
        L.Dense(3, name="last")(L.GlobalAveragePooling1D(name="gap")(L.MaxPooling1D(2, name="pool")(
            L.ReLU(max_value=6, name="relu")(L.BatchNormalization(name="stack_bn")(L.Conv1D(4, 3, name="stack")(x)))))),
    ]
    return k.Model([x, vector], outs, name="sequences"), [(10, 3), (4,)]


def randomized(model):
    """Weights that are never zero or one, so that a forgotten one shows."""
    for w in model.weights:
        positive = "variance" in w.name or "gamma" in w.name
        shape = tuple(w.shape)
        if str(w.dtype).find("int") < 0:
            w.assign(RANDOM.uniform(0.5, 1.5, shape) if positive else RANDOM.uniform(-0.6, 0.6, shape))


os.makedirs(OUT, exist_ok=True)
for make in (images, sequences):
    reference = None
    for k, files in ((keras_3, [".keras", ".h5"]), (keras_2, ["_keras2.keras", "_keras2.h5"])):
        model, shapes = make(k)
        randomized(model)
        # An initializer's seed is part of the file: without one, two runs write the same architecture.
        x = [RANDOM.normal(size=(2, *s)).astype(np.float32) for s in shapes]
        y = np.concatenate([np.asarray(o).reshape(2, -1) for o in model(x, training=False)], axis=1).astype(np.float32)
        generation = "keras3" if k is keras_3 else "keras2"
        for i, part in enumerate(x):
            np.save(f"{OUT}/{make.__name__}_{generation}_x{i}.npy", part)
        np.save(f"{OUT}/{make.__name__}_{generation}_y.npy", y)
        for end in files:
            model.save(f"{OUT}/{make.__name__}{end}")
