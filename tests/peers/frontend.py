#!/usr/bin/env python3
"""What TensorFlow Lite Micro's front end makes of recordings: TensorFlow's wheel has it as an operator.

    python tests/peers/frontend.py OUT.npy RECORDING.wav...

Writes uint16 [recordings, 49, 40]: a second of each, 40 bands of 30 ms every 20 ms, with PCAN and logarithm. Recordings are 16-bit
mono at 16 kHz; shorter ones are filled with zeros evenly at both ends, the odd sample behind.
"""

import sys
import wave

import numpy as np
import tensorflow as tf
from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op


def clip(path):
    with wave.open(path) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (16_000, 1, 2), path
        samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
    cut = max(len(samples) - 16_000, 0) // 2
    samples = samples[cut : cut + 16_000]
    missing = 16_000 - len(samples)
    return np.pad(samples, (missing // 2, missing - missing // 2))


def features(samples):
    settings = {"sample_rate": 16_000, "window_size": 30, "window_step": 20, "num_channels": 40, "enable_pcan": True}
    return audio_microfrontend_op.audio_microfrontend(tf.constant(samples, tf.int16), **settings).numpy()


out, *recordings = sys.argv[1:]
np.save(out, np.stack([features(clip(path)) for path in recordings]).astype(np.uint16))
