"""Trains the sample's network on the features of the clips, and writes what is committed of the sample.

    python train.py CLIPS.csv FEATURES.npy

writes keyword_float32.tflite (batch normalization folded, batch 1) and keyword.npz (calibration and test split) beside this script.
"""

import csv
import os
import sys
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # Keras 2: its names of layers survive the conversion unchanged.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras as keras
from tf_keras import layers

from corpus import LABELS, SEED

EPOCHS = 30
BATCH = 64
HERE = Path(__file__).parent


def normalized(x, name, relu=True):
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def separable(x, channels, block, strides=1, relu=True):
    """Depthwise 3x3, then pointwise: a convolution in two cheap halves."""
    x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False, name=f"depthwise_{block}")(x)
    x = normalized(x, f"depthwise_{block}")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"pointwise_{block}")(x)
    return normalized(x, f"pointwise_{block}", relu)


def residual(x, channels, block):
    total = layers.Add(name=f"sum_{block}")([x, separable(x, channels, block, relu=False)])
    return layers.ReLU(name=f"add_{block}")(total)


def network(batch_size=None):
    """A DS-CNN (Zhang et al., "Hello Edge", 2017) with two residual blocks."""
    inputs = keras.Input((49, 10, 1), batch_size=batch_size, name="mfcc")
    x = layers.Conv2D(64, (10, 4), strides=2, padding="same", use_bias=False, name="conv")(inputs)
    x = layers.Dropout(0.1)(normalized(x, "conv"))
    x = separable(x, 64, 1)
    x = residual(x, 64, 2)
    x = separable(x, 96, 3, strides=2)
    x = residual(x, 96, 4)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D(name="mean")(x))
    return keras.Model(inputs, layers.Dense(len(LABELS), activation="softmax", name="dense")(x))


def varied(x, rng):
    """Each clip up to 100 ms earlier or later (the frame at the edge is repeated), and through another microphone: an offset
    on each coefficient, the same in all frames, is a linear filter."""
    frames = np.arange(49)[None, :] + rng.integers(-5, 6, len(x))[:, None]
    x = np.take_along_axis(x, np.clip(frames, 0, 48)[:, :, None, None], axis=1)
    deviation = 6.0 / np.arange(1, 11)[:, None]
    return (x + rng.standard_normal((len(x), 1, 10, 1)) * deviation).astype(np.float32)


def train(model, x, y):
    rng = np.random.default_rng(SEED)
    steps = EPOCHS * (len(x) // BATCH)
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(3e-3, steps), weight_decay=1e-4),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    for epoch in range(EPOCHS):
        history = model.fit(varied(x, rng), y, batch_size=BATCH, verbose=0, shuffle=True)
        print(f"epoch {epoch + 1}: loss {history.history['loss'][0]:.3f}, accuracy {history.history['accuracy'][0]:.3f}", flush=True)


def write_tflite(model, path):
    single = network(batch_size=1)
    single.set_weights(model.get_weights())
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(single).convert())


def main(clips, features):
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    rows = list(csv.DictReader(open(clips)))
    x = np.load(features)
    y = np.array([LABELS.index(row["label"]) for row in rows])
    split = np.array([row["split"] for row in rows])
    assert len(x) == len(rows), f"{features} has {len(x)} clips, {clips} has {len(rows)}"

    model = network()
    train(model, x[split == "train"], y[split == "train"])
    accuracy = model.evaluate(x[split == "test"], y[split == "test"], verbose=0)[1]
    print(f"{model.count_params()} parameters, test accuracy {accuracy:.4f} in Keras")

    write_tflite(model, HERE / "keyword_float32.tflite")
    kept = split != "train"
    np.savez_compressed(HERE / "keyword.npz", x=x[kept], y=y[kept], split=split[kept], labels=np.array(LABELS))


if __name__ == "__main__":
    main(*sys.argv[1:])
