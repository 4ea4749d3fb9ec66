#!/bin/sh
# Unpacks the OSU 0.18 um cells of Debian's qflow-tech-osu018 into a folder,
# without installing the package, which would draw in 50 others.
# Usage: fetch_osu018.sh [FOLDER], .tools/osu018 by default.
set -eu

folder=${1:-.tools/osu018}
package=qflow-tech-osu018
library=usr/share/qflow/tech/osu018/osu018_stdcells.lib

if [ -s "$folder/osu018_stdcells.lib" ]; then
  exit 0
fi
for tool in apt-get dpkg; do
  command -v "$tool" >/dev/null || {
    echo "$tool is needed to fetch $package: this is for Debian and Ubuntu." \
      "Elsewhere, put osu018_stdcells.lib into $folder." >&2
    exit 1
  }
done
mkdir -p "$folder"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
# apt-get hands downloads to a user of its own.
chmod 755 "$temporary"
(cd "$temporary" && apt-get -q download "$package") || {
  echo "apt-get could not download $package; run apt-get update first." >&2
  exit 1
}
dpkg -x "$temporary"/"$package"_*.deb "$temporary/unpacked"
# Whole or not at all.
cp "$temporary/unpacked/$library" "$folder/.osu018.new"
mv "$folder/.osu018.new" "$folder/osu018_stdcells.lib"
cp "$temporary/unpacked/usr/share/doc/$package/copyright" \
  "$folder/osu018.copyright"
echo "$folder/osu018_stdcells.lib"
