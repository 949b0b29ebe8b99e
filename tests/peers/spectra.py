#!/usr/bin/env python3
"""Filters and log-mel of SciPy and librosa, and log-mel of tf.signal, of one recording.

    python tests/peers/spectra.py FOLDER SAMPLES.npy RATE

SAMPLES.npy is float32 [time]. Writes float64 filters (low.npy, band.npy forwards and backwards, high.npy forwards) and float32 log-mel
(librosa.npy, tensorflow.npy) to FOLDER.
"""

import pathlib
import sys

import librosa
import numpy as np
import tensorflow as tf
from scipy import signal

folder, samples, rate = pathlib.Path(sys.argv[1]), np.load(sys.argv[2]), int(sys.argv[3])
real = samples.astype(np.float64)


def sections(order, cuts, kind):
    return signal.butter(order, cuts, kind, fs=rate, output="sos")


np.save(folder / "low.npy", signal.sosfiltfilt(sections(4, 1000, "lowpass"), real))
np.save(folder / "high.npy", signal.sosfilt(sections(5, 300, "highpass"), real))
np.save(folder / "band.npy", signal.sosfiltfilt(sections(3, [300, 3000], "bandpass"), real))

mel = librosa.feature.melspectrogram(y=samples, sr=rate, n_fft=512, hop_length=320, n_mels=40, fmin=20, fmax=4000)
np.save(folder / "librosa.npy", librosa.power_to_db(mel, amin=1e-10, top_db=None).T.astype(np.float32))

spectrum = tf.abs(tf.signal.stft(samples, 480, 320, 512)) ** 2
bands = tf.signal.linear_to_mel_weight_matrix(40, 257, rate, 20.0, 4000.0)
np.save(folder / "tensorflow.npy", tf.math.log(tf.matmul(spectrum, bands) + 1e-6).numpy())
