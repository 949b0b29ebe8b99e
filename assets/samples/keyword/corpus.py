"""What is said, by whom, and how often: the plan of the sample's clips. `synthesize.py` gives them a voice.

Voices of the test split are heard nowhere else, so test accuracy is that of strangers.
"""

SEED = 20260419
RATE_HZ = 16_000

KEYWORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
LABELS = [*KEYWORDS, "silence", "unknown"]

# Words that are none of the keywords; the second line sounds like one or begins like one.
UNKNOWN = """bed bird cat dog eight five follow forward four happy house learn marvin nine one seven six three tree two wow zero
 dawn tow cup yet stock lift ride upper yesterday gold rice note stuff leaf""".split()

ACCENTS = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029", "en-us-nyc"]
# Variants of espeak-ng: other formants, pitch and timbre, so other speakers.
TRAIN_VOICES = """m1 m2 m4 m5 m7 f1 f2 f4 Alex Alicia Andrea Andy AnxiousAndy Diogo Gene Gene2 Henrique Hugo Jacky Lee Mario Michael
 Mike adam anika anikaRobot announcer antonio belinda benjamin boris david ed edward edward2 grandma grandpa gustave iven iven2 iven3
 john kaukovalta klatt klatt2 klatt4 klatt6 linda marcelo max michel miguel norbert pablo paul quincy rob sandro shelby steph steph2
 travis victor zac""".split()
TEST_VOICES = "m3 m6 m8 f3 f5 Annie Denis Marco Nguyen aunty caleb iven4 pedro robert steph3".split()

# Clips of each label in each split. Calibration has the training voices, in clips that training does not see.
CLIPS_PER_LABEL = {"train": 900, "calibration": 9, "test": 75}
N_CALIBRATION = 100
# Training voices are also played up to this many percent faster or slower. That moves their formants: more speakers than
# espeak-ng has.
TRAIN_STRETCH_PERCENT = 14
# Unknown is as varied as all the keywords together: it gets more to learn from.
TRAIN_UNKNOWN = 2000


def voices(split):
    return TEST_VOICES if split == "test" else TRAIN_VOICES
