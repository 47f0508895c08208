#!/usr/bin/env bash
# Installs what package-lock.json names into DIRECTORY/node_modules, outside of the source tree. Fails when npm cannot: tests that need the
# modules then fail too, instead of being skipped. No install scripts: zeromq brings its library built.
set -euo pipefail
source_dir=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$1"
if [ -d "$1/node_modules/zeromq" ] && cmp -s "$source_dir/package-lock.json" "$1/package-lock.json"; then
	echo 'already there'
	exit 0
fi
rm -f "$1/package-lock.json"
cp "$source_dir/package.json" "$1/"
cp "$source_dir/package-lock.json" "$1/lock"
cd "$1"
mv lock package-lock.json
trap 'rm -f package-lock.json' ERR # else the next run would take a half for the whole
npm ci --ignore-scripts --no-audit --no-fund --no-progress
