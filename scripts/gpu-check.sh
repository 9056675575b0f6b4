#!/usr/bin/env bash
# Checks cutloss on a machine that has a GPU and nothing else installed, from the folder that scripts/gpu-pack.sh made:
# unpacks the Node in it and hands over to scripts/gpu/check.mjs, whose parts docs/gpu-check.md describes. No network.
#
#   scripts/gpu-check.sh [--dry-run] [--pack FOLDER] [--seconds N] [--emulated FOLDER] [part ...]
#   parts: conform conformance sanitize trust bench (all of them, if none is named)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pack=$here/.device
if [ -e "$here/MANIFEST" ]; then pack=$here; fi # this is the copy inside the folder

fail() {
  echo "gpu-check: $1" >&2
  exit 1
}

arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --pack)
      [ $# -gt 1 ] || fail 'Expected a folder after --pack'
      pack=$2
      shift 2
      ;;
    --emulated)
      [ $# -gt 1 ] && [ -d "$2" ] || fail 'Expected the folder of an emulated addon after --emulated'
      arguments+=("$1" "$(cd "$2" && pwd)")
      shift 2
      ;;
    *)
      arguments+=("$1")
      shift
      ;;
  esac
done
[ -e "$pack/MANIFEST" ] || fail "Expected a folder made by scripts/gpu-pack.sh but found no MANIFEST in $pack"
pack=$(cd "$pack" && pwd)

# What was packed stays as large as it was.
runtime=$(mktemp -d "${TMPDIR:-/tmp}/cutloss-gpu-check.XXXXXX")
trap 'rm -rf "$runtime" "$pack/build" "$pack/programs"' EXIT
gzip -dc "$pack/node.tar.gz" | tar -C "$runtime" -xf -
gzip -dc "$pack/native.tar.gz" | tar -C "$pack" -xf -
if ! "$runtime/node" --version > /dev/null 2>&1; then
  export LD_LIBRARY_PATH=$runtime/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
"$runtime/node" --version > /dev/null || fail "the packed Node does not run here"

ulimit -c 0 # some checks end processes the hard way
export CUTLOSS_GPU_CHECK_RESULTS=${OUT:-$here/bench/results} CUTLOSS_GPU_CHECK_SCRATCH=$runtime
cd "$pack"
"$runtime/node" scripts/gpu/check.mjs ${arguments[@]+"${arguments[@]}"}
