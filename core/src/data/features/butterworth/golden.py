"""Makes golden.csv: Butterworth filters of SciPy (1.17) on noise, for the test beside it.

    python core/src/data/features/butterworth/golden.py > core/src/data/features/butterworth/golden.csv

Each row: kind, order, lower and upper cut as fractions of half the rate, causal or zero-phase, then the output.
"""

from scipy import signal

noise, state = [], 1
for _ in range(80):
    state = (1_103_515_245 * state + 12_345) % 2**31
    noise.append(state / 2**31 - 0.3)

CASES = [
    ("lowpass", 1, 0.1, 0.3),
    ("lowpass", 4, 0.1, 0.05),
    ("lowpass", 7, 0.1, 0.9),
    ("highpass", 2, 0.02, 0.5),
    ("highpass", 5, 0.4, 0.5),
    ("bandpass", 1, 0.1, 0.2),
    ("bandpass", 3, 0.05, 0.6),
    ("bandpass", 8, 0.2, 0.5),
]

for kind, order, low, high in CASES:
    cuts = {"lowpass": high, "highpass": low, "bandpass": [low, high]}[kind]
    sos = signal.butter(order, cuts, kind, output="sos")
    for way, filtered in [("causal", signal.sosfilt(sos, noise)), ("zero-phase", signal.sosfiltfilt(sos, noise))]:
        print(kind, order, low, high, way, *(f"{value:.15e}" for value in filtered), sep=",")
