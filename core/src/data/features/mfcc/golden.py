"""Makes golden.csv: MFCC of a short noisy sweep by TensorFlow's own tf.signal (2.21), for the test beside it.

    python core/src/data/features/mfcc/golden.py > core/src/data/features/mfcc/golden.csv

Each row is a frame: 10 coefficients as MfccConfig::keyword() has them, then 10 with Spectrum::Magnitude and CosineScale::TensorFlow.
"""

import numpy as np
import tensorflow as tf

seconds = np.arange(2720) / 16_000
sweep = 0.6 * np.sin(2 * np.pi * (300 * seconds + 8_000 * seconds**2))
# Noise as in a real recording: without it the logarithm would show nothing but rounding in the bands that are silent.
noise, state = [], 1
for _ in seconds:
    state = (1_103_515_245 * state + 12_345) % 2**31
    noise.append(0.02 * (state / 2**31 - 0.5))
clip = (sweep + noise).astype(np.float32)

stft = tf.signal.stft(clip, frame_length=480, frame_step=320, fft_length=512)
bands = tf.signal.linear_to_mel_weight_matrix(40, 257, 16_000, 20.0, 4_000.0)


def mfcc(spectrum):
    log_mel = tf.math.log(tf.matmul(spectrum, bands) + 1e-6)
    return tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[:, :10].numpy()


power, magnitude = mfcc(tf.abs(stft) ** 2), mfcc(tf.abs(stft))
power[:, 0] /= np.sqrt(2)  # tf.signal does not scale coefficient 0 as an orthonormal transform does.
for row in np.concatenate([power, magnitude], axis=1):
    print(",".join(f"{value:.5f}" for value in row))
