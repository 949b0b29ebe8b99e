"""Noise and rooms, from a seeded generator: what stands between a speaker and a cheap microphone."""

import numpy as np
from scipy import signal

from corpus import RATE_HZ


def rms(x):
    return np.sqrt(np.mean(np.square(x)) + 1e-12)


def coloured(rng, n, exponent):
    """Noise whose power falls with frequency as f^-exponent: 0 white, 1 pink, 2 brown. RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    spectrum *= np.maximum(hz, 20.0) ** (-exponent / 2)
    x = np.fft.irfft(spectrum, n)
    return x / rms(x)


def hum(rng, n):
    """A motor or a mains transformer: harmonics of one pitch, and some hiss. RMS 1."""
    t = np.arange(n) / RATE_HZ
    pitch_hz = rng.choice([50.0, 60.0, rng.uniform(70, 200)])
    x = sum(rng.uniform(0.2, 1) / k * np.sin(2 * np.pi * (k * pitch_hz * t + rng.random())) for k in range(1, 12))
    x = x / rms(x) + 0.3 * coloured(rng, n, 0.5)
    return x / rms(x)


def clatter(rng, n):
    """Keys, dishes, steps: short decaying bursts over a little pink noise. RMS 1."""
    x = 0.15 * coloured(rng, n, 1.0)
    for _ in range(rng.integers(2, 7)):
        length = int(rng.uniform(0.01, 0.08) * RATE_HZ)
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
        low = rng.uniform(300, 3000)
        burst = signal.sosfilt(signal.butter(2, [low, min(low * 3, 7500)], "bandpass", fs=RATE_HZ, output="sos"), burst)
        at = rng.integers(0, n - length)
        x[at : at + length] += 3 * burst
    return x / rms(x)


def babble(rng, n, speech):
    """Other people: four of the given utterances at once. RMS 1."""
    x = np.zeros(n)
    for _ in range(4):
        utterance = speech[rng.integers(len(speech))]
        at = rng.integers(-len(utterance) // 2, n - len(utterance) // 2)
        start, end = max(at, 0), min(at + len(utterance), n)
        x[start:end] += rng.uniform(0.4, 1) * utterance[start - at : end - at]
    x += 0.05 * rms(x) * coloured(rng, n, 1.0)
    return x / rms(x)


def any_noise(rng, n, speech):
    """One of the above; no babble where there is no `speech`. RMS 1."""
    kinds = ["white", "pink", "brown", "hum", "clatter", *(["babble"] if speech else [])]
    kind = rng.choice(kinds)
    match kind:
        case "white" | "pink" | "brown":
            return coloured(rng, n, {"white": 0.0, "pink": 1.0, "brown": 2.0}[kind])
        case "hum":
            return hum(rng, n)
        case "clatter":
            return clatter(rng, n)
        case "babble":
            return babble(rng, n, speech)


def room(rng, x):
    """Reverberation (noise that decays by 60 dB in 0.1 to 0.5 s) and a microphone that favours some frequencies."""
    if rng.random() < 0.6:
        n = int(rng.uniform(0.1, 0.5) * RATE_HZ)
        tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
        tail *= rng.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
        tail[0] = 1.0
        x = signal.fftconvolve(x, tail)[: len(x)]
    tilt = rng.uniform(-0.6, 0.6)
    return signal.lfilter([1.0, tilt], [1.0], x)
