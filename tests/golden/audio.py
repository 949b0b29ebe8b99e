"""Makes tests/golden/audio: packed sound with known samples. Needs numpy and soundfile."""

import pathlib

import numpy
import soundfile

FOLDER = pathlib.Path(__file__).parent / "audio"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    ramp = ((numpy.arange(800) * 37) % 2001 - 1000).astype(numpy.int16)
    soundfile.write(FOLDER / "ramp.flac", ramp, 16000, subtype="PCM_16")
    stereo = numpy.stack([numpy.arange(300), -numpy.arange(300)], axis=1).astype(numpy.int32) << 8
    soundfile.write(FOLDER / "stereo24.flac", stereo, 48000, subtype="PCM_24")
    tone = 0.5 * numpy.sin(2 * numpy.pi * 1000 * numpy.arange(8000) / 16000)
    soundfile.write(FOLDER / "tone.mp3", tone, 16000, format="MP3")
