"""Makes the sample's clips: 1 s of 16 kHz mono each, spoken by espeak-ng, in noise. Same seed, same bytes.

    python synthesize.py FOLDER

writes FOLDER/0000.wav … and FOLDER/clips.csv (file, split, label, word, voice, snr_db).
"""

import csv
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from subprocess import run
from typing import NamedTuple

import numpy as np
from scipy import signal

import noise
from corpus import ACCENTS, CLIPS_PER_LABEL, LABELS, N_CALIBRATION, RATE_HZ, SEED
from corpus import TRAIN_STRETCH_PERCENT, TRAIN_UNKNOWN, UNKNOWN, voices

ESPEAK_RATE_HZ = 22_050


class Speaker(NamedTuple):
    voice: str
    words_a_minute: int
    pitch: int
    speed_percent: int  # of playing the recording


def any_speaker(rng, split):
    stretch = 0 if split == "test" else TRAIN_STRETCH_PERCENT
    return Speaker(
        f"{rng.choice(ACCENTS)}+{rng.choice(voices(split))}",
        int(rng.integers(120, 211)),
        int(rng.integers(25, 76)),
        int(rng.integers(100 - stretch, 101 + stretch)),
    )


@lru_cache(maxsize=None)
def say(word, speaker):
    """One utterance without the silence around it, RMS 1."""
    command = ["espeak-ng", "-v", speaker.voice, "-s", str(speaker.words_a_minute), "-p", str(speaker.pitch), "--stdout", word]
    wav = run(command, capture_output=True, check=True).stdout
    x = np.frombuffer(wav[44:], "<i2").astype(np.float64)
    x = signal.resample(x, round(len(x) * RATE_HZ / ESPEAK_RATE_HZ * 100 / speaker.speed_percent))
    loud = np.flatnonzero(np.abs(x) > 0.02 * np.abs(x).max())
    x = x[loud[0] : loud[-1] + 1][:RATE_HZ]
    return x / noise.rms(x)


def plan(rng):
    """Every clip as (split, label, word, speaker), in an order of chance within its split."""
    for split, per_label in CLIPS_PER_LABEL.items():
        rows = []
        for label in LABELS:
            n = TRAIN_UNKNOWN if (split, label) == ("train", "unknown") else per_label
            for idx in range(n):
                word = {"silence": "", "unknown": UNKNOWN[idx % len(UNKNOWN)]}.get(label, label)
                rows.append((split, label, word, any_speaker(rng, split)))
        rng.shuffle(rows)
        yield from rows[:N_CALIBRATION] if split == "calibration" else rows


def bystanders(rng, split):
    """What the people in the background say: a few dozen utterances of the split's own voices."""
    return [say(rng.choice(UNKNOWN), any_speaker(rng, split)) for _ in range(40)]


def clip(rng, word, speaker, background):
    """One clip in [-1, 1], and its signal-to-noise ratio in dB (None without speech)."""
    level = 10 ** (rng.uniform(-36, -14) / 20)
    snr_db = None
    if word:
        x, spoken = np.zeros(RATE_HZ), say(word, speaker)
        # People are recorded a little off the middle; long words may lose an end.
        middle = (RATE_HZ - len(spoken)) // 2
        at = int(np.clip(middle + rng.integers(-2400, 2401), 0, RATE_HZ - len(spoken)))
        x[at : at + len(spoken)] = spoken
        x = noise.room(rng, x)
        snr_db = rng.uniform(8, 32)
        x = x / noise.rms(x[at : at + len(spoken)]) + 10 ** (-snr_db / 20) * noise.any_noise(rng, RATE_HZ, background)
    else:
        x = noise.any_noise(rng, RATE_HZ, speech=[])
    x *= level
    return x / max(1.0, np.abs(x).max()), snr_db


def write_wav(path, x):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.round(x * 32767).astype("<i2").tobytes())


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(plan(np.random.default_rng(SEED)))
    with ThreadPoolExecutor(2) as pool:  # Fills the cache of `say`: its time goes to espeak-ng.
        list(pool.map(lambda row: row[2] and say(row[2], row[3]), rows))
    background = {split: bystanders(np.random.default_rng([SEED, n]), split) for n, split in enumerate(CLIPS_PER_LABEL)}

    with open(folder / "clips.csv", "w", newline="") as table:
        out = csv.writer(table)
        out.writerow(["file", "split", "label", "word", "voice", "snr_db"])
        for idx, (split, label, word, speaker) in enumerate(rows):
            x, snr_db = clip(np.random.default_rng([SEED, 1000 + idx]), word, speaker, background[split])
            name = f"{idx:05}.wav"
            write_wav(folder / name, x)
            out.writerow([name, split, label, word, speaker.voice if word else "", "" if snr_db is None else f"{snr_db:.1f}"])
    print(f"{len(rows)} clips, labels {' '.join(LABELS)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
