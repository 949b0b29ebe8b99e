"""Cuts a font down to what the window draws (called by make.sh).

    subset.py text  FONT OUT                    Latin and the symbols in SYMBOLS; says which of them the font lacks
    subset.py icons PHOSPHOR_FOLDER OUT TABLE   the icons in icons.txt, and their names as Rust constants
"""

import re
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180)]
# Greek letters of formulas and units, typography, arrows, marks of change and state, mathematics.
SYMBOLS = "ΔΣΩαβλμσ" "–—‘’“”•…‰⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂" "←↑→↓↔↵⇧⌘" "▲▶▼◀●○◆✓✗" "−√∞≈≠≤≥"
# Symbols that no text font here has, drawn by an icon. The icon font is a fallback behind the text fonts.
ALIASES = {0x2715: "x", 0x2315: "magnifying-glass"}
# With the time stamps left alone, the same input gives the same bytes.
OPTIONS = ["--no-recalc-timestamp", "--drop-tables+=DSIG,meta", "--name-IDs=0,1,2,3,4,6,13,14", "--notdef-outline"]


def cut(font, code_points, features, out):
    options = subset.Options()
    options.parse_opts(OPTIONS)
    options.layout_features = features
    options.hinting = False  # The window's rasterizer hints by itself.
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=code_points)
    subsetter.subset(font)
    font.save(out)
    print(f"{Path(out).name}: {len(font.getBestCmap())} characters, {Path(out).stat().st_size:,} bytes")


def text(source, out):
    font = TTFont(source, recalcTimestamp=False)
    cmap, advances = font.getBestCmap(), font["hmtx"]
    lacking = [c for c in SYMBOLS if ord(c) not in cmap]
    digits = [cmap[ord(digit)] for digit in "0123456789"]
    widths = [advances[digit][0] for digit in digits]
    # Inter's tabular digits differ by up to 3 units of 2816 in some weights: a rounding of its makers, evened out here.
    if max(widths) - min(widths) > font["head"].unitsPerEm / 500:
        sys.exit(f"{source}: digits have widths {widths}, expected one width: were they frozen to tabular?")
    for digit in digits:
        advances[digit] = (max(widths), advances[digit][1])
    cut(font, [*LATIN, *map(ord, SYMBOLS)], ["kern", "mark", "mkmk", "ccmp", "locl"], out)
    if lacking:
        print("  lacks", *lacking)


def icons(folder, out, table):
    style = Path(folder, "style.css").read_text()
    code_points = {name: int(code, 16) for name, code in re.findall(r'\.ph-([a-z0-9-]+):before \{\s*content: "\\([0-9a-f]+)"', style)}
    wanted = []
    for line in Path(__file__).with_name("icons.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, meaning = line.split(maxsplit=1)
            if name not in code_points:
                sys.exit(f"icons.txt: Phosphor has no icon '{name}'")
            wanted.append((name, meaning))

    font = TTFont(Path(folder, "Phosphor.ttf"), recalcTimestamp=False)
    for plane in font["cmap"].tables:
        plane.cmap.update({alias: plane.cmap[code_points[name]] for alias, name in ALIASES.items() if code_points[name] in plane.cmap})
    cut(font, [*(code_points[name] for name, _ in wanted), *ALIASES], [], out)

    lines = [
        "//! The icons the window uses, as text in the icon font (`assets/fonts/Phosphor.ttf`).",
        "//!",
        "//! Made by `assets/fonts/make.sh` from `assets/fonts/icons.txt`: add an icon there. An icon always goes with a",
        "//! tooltip and an accessible name, and never speaks by colour alone.",
        "",
    ]
    for name, meaning in wanted:
        lines += [f"/// {meaning[0].upper()}{meaning[1:]}.", f'pub const {name.upper().replace("-", "_")}: &str = "\\u{{{code_points[name]:x}}}";']
    Path(table).parent.mkdir(parents=True, exist_ok=True)
    Path(table).write_text("\n".join(lines) + "\n")


{"text": text, "icons": icons}[sys.argv[1]](*sys.argv[2:])
