"""Makes golden.csv: features of TensorFlow's own audio_microfrontend operator (2.21), for the test beside it.

    python core/src/data/features/micro_frontend/golden.py > core/src/data/features/micro_frontend/golden.csv

Each row is a case and the numbers of one frame. (The operator writes beyond its memory where the step is longer than the window.)
"""

import tensorflow as tf
from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

samples, state, phase = [], 1, 0
for n in range(6_400):
    state = (1_103_515_245 * state + 12_345) % 2**31
    phase = (phase + 800 + n // 2) % 65_536
    triangle = abs(phase - 32_768) - 16_384
    samples.append(triangle * (1 + n // 800 % 8) // 8 + (state >> 16) % 2_001 - 1_000)

CASES = {
    "keyword": {"sample_rate": 16_000, "window_size": 30, "window_step": 20, "num_channels": 40},
    "plain": {"sample_rate": 16_000, "window_size": 25, "window_step": 25, "num_channels": 32, "enable_pcan": False, "enable_log": False},
    "slow": {
        "sample_rate": 8_000,
        "window_size": 64,
        "window_step": 60,
        "num_channels": 24,
        "lower_band_limit": 60.0,
        "upper_band_limit": 3_800.0,
        "even_smoothing": 0.1,
        "odd_smoothing": 0.02,
        "min_signal_remaining": 0.2,
        "pcan_strength": 0.6,
        "pcan_offset": 40.0,
        "scale_shift": 8,
    },
}

for name, settings in CASES.items():
    settings = {"enable_pcan": True, **settings}
    for frame in audio_microfrontend_op.audio_microfrontend(tf.constant(samples, tf.int16), **settings).numpy():
        print(name, *frame.tolist(), sep=",")
