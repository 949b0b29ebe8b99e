"""Makes librosa_golden.csv: log-mel of a short noisy sweep by librosa (0.11), for the test beside it.

    python core/src/data/features/mfcc/librosa_golden.py > core/src/data/features/mfcc/librosa_golden.csv

Each row is a frame of 40 bands in decibels; the sound is that of golden.py.
"""

import librosa
import numpy as np

seconds = np.arange(2720) / 16_000
sweep = 0.6 * np.sin(2 * np.pi * (300 * seconds + 8_000 * seconds**2))
noise, state = [], 1
for _ in seconds:
    state = (1_103_515_245 * state + 12_345) % 2**31
    noise.append(0.02 * (state / 2**31 - 0.5))

mel = librosa.feature.melspectrogram(
    y=(sweep + noise).astype(np.float32), sr=16_000, n_fft=512, hop_length=320, n_mels=40, fmin=20.0, fmax=4_000.0
)
for frame in librosa.power_to_db(mel, amin=1e-10, top_db=None).T:
    print(",".join(f"{value:.5f}" for value in frame))
