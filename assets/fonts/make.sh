#!/bin/sh
# Makes the window's fonts, and the table of icon names in app/src/gui/icons.rs. The output is committed: run this
# only to change it. Needs Debian's fonts-inter and fonts-jetbrains-mono, python3-venv and npm.
#
#   sh assets/fonts/make.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export SOURCE_DATE_EPOCH=1700000000  # the same bytes every time
trap 'rm -rf "$work"' EXIT

inter=/usr/share/fonts/opentype/inter
mono=/usr/share/fonts/truetype/jetbrains-mono
for font in "$inter/Inter-Regular.otf" "$mono/JetBrainsMono-Regular.ttf"; do
    [ -f "$font" ] || { echo "no $font: apt-get install fonts-inter fonts-jetbrains-mono" >&2; exit 1; }
done

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet fonttools==4.68.0 opentype-feature-freezer==1.32.2
(cd "$work" && npm pack --silent @phosphor-icons/web@2.1.2 >/dev/null && tar xzf phosphor-icons-web-2.1.2.tgz)

PATH="$work/venv/bin:$PATH"
for weight in Regular Medium SemiBold; do
    # egui has no switch for OpenType features, so the equally wide digits become the font's only digits.
    pyftfeatfreeze -f tnum "$inter/Inter-$weight.otf" "$work/Inter-$weight.otf"
    python3 "$here/subset.py" text "$work/Inter-$weight.otf" "$here/Inter-$weight.otf"
done
python3 "$here/subset.py" text "$mono/JetBrainsMono-Regular.ttf" "$here/JetBrainsMono-Regular.ttf"
python3 "$here/subset.py" icons "$work/package/src/regular" "$here/Phosphor.ttf" "$here/../../app/src/gui/icons.rs"
cp "$work/package/LICENSE" "$here/Phosphor-LICENSE.txt"
