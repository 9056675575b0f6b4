#!/usr/bin/env bash
# Packs all that scripts/gpu-check.sh needs on a machine that has a GPU and nothing else: the addon, dist/, the tests with
# their types stripped and a stand-in for vitest, programs built by nvcc, the benches, and Node itself. The folder is laid
# out like a checkout and needs no other. What is up to date is not built again.
#
#   scripts/gpu-pack.sh [folder]            default .device
#   CUTLOSS_CUDA_ARCHITECTURES=89-real ...  for another GPU than a Hopper; CUTLOSS_JOBS=1 builds one file at a time
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
pack=${1:-.device}
most_bytes=$((60 * 1000 * 1000))
architectures=${CUTLOSS_CUDA_ARCHITECTURES:-90a-real}
made=build-gpu # what is kept between runs

fail() {
  echo "gpu-pack: $1" >&2
  exit 1
}

nvcc=
for candidate in nvcc "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
  if command -v "$candidate" > /dev/null; then
    nvcc=$candidate
    break
  fi
done
[ -n "$nvcc" ] || fail 'nvcc was not found on PATH, in CUDA_HOME or in /usr/local/cuda'
if [ -e "$pack" ] && [ ! -e "$pack/MANIFEST" ] && [ -n "$(ls -A "$pack")" ]; then
  fail "$pack is there and was not made by this script"
fi
[ -d node_modules/cmake-js ] || npm ci --ignore-scripts
mkdir -p "$made/programs"

# ---- the addon and dist/
CUTLOSS_CUDA=ON CUTLOSS_CUDA_ARCHITECTURES=$architectures \
  node scripts/build-native.mjs --out="$made/addon" > "$made/addon.log" 2>&1 ||
  { tail -n 40 "$made/addon.log" >&2; fail 'the addon did not build'; }
if [ ! -e dist/index.js ] || [ -n "$(find src tsconfig.build.json -newer dist/index.js -print -quit)" ]; then
  node scripts/build-dist.mjs
fi

# ---- the programs: each is built again when it is older than any source it could include
gencode=()
for architecture in ${architectures//;/ }; do
  number=${architecture%-*}
  gencode+=("-gencode=arch=compute_$number,code=sm_$number")
done

program() { # program name gencode... -- sources
  local name=$1 options=()
  shift
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  local out=$made/programs/$name
  if [ -e "$out" ] && [ "$(cat "$out.options" 2> /dev/null)" = "${options[*]}" ] &&
    [ -z "$(find cuda engine math test/native bench/gpu scripts/gpu "$made/addon" \
      \( -name '*.h' -o -name '*.c[cu]' -o -name '*.a' \) -newer "$out" -print -quit)" ]; then
    return
  fi
  echo "gpu-pack: building $name"
  "$nvcc" -std=c++20 -O2 -I. "${options[@]}" -o "$out" "$@" || fail "$name did not build"
  strip "$out"
  echo "${options[*]}" > "$out.options"
}

# What the conform programs and the two GEMMs describe is Hopper's.
hopper=-gencode=arch=compute_90a,code=sm_90a
names=()
for source in cuda/emulated/test/conform/*.cu cuda/emulated/test/gemm_*.cu; do
  names+=("$(basename "$source" .cu)")
  program "${names[-1]}" "$hopper" -- "$source"
done
for kernels in row_kernels cut_kernels region_kernels; do
  names+=("$kernels")
  program "$kernels" "${gencode[@]}" -- \
    "test/native/cuda/${kernels}_test.cc" $(ls engine/*.cc | grep -v no_cuda) "$made/addon/libcutloss_cuda.a" "$made/addon/libcutloss_cpu.a"
done
names+=(lost)
program lost "${gencode[@]}" -- test/native/cuda/lost_test.cc scripts/gpu/write_nowhere.cu \
  $(ls engine/*.cc | grep -v no_cuda) "$made/addon/libcutloss_cuda.a" "$made/addon/libcutloss_cpu.a"
names+=(planted device_copy)
program planted "${gencode[@]}" -lineinfo -- scripts/gpu/planted.cu
program device_copy "${gencode[@]}" -- bench/gpu/device_copy.cu

# ---- Node, with the libraries that a bare machine may lack; glibc and its loader must be there. gzip and not xz: a
# bare machine may lack that too.
node=$(readlink -f "$(command -v node)")
archive=$made/node-$(node --version).tar.gz
if [ ! -e "$archive" ] || [ "$node" -nt "$archive" ]; then
  echo "gpu-pack: compressing Node"
  rm -rf "$made/node"
  mkdir -p "$made/node/lib"
  cp "$node" "$made/node/node"
  strip "$made/node/node"
  ldd "$node" | awk '$2 == "=>" && $1 !~ /^(libc|libm|libdl|librt|libpthread)\.so/ { print $3 }' |
    xargs -r -I{} cp -L {} "$made/node/lib/"
  tar -C "$made/node" --sort=name --mtime=@0 --owner=0 --group=0 -c . | gzip -9n > "$archive.part"
  mv "$archive.part" "$archive"
  rm -rf "$made/node"
fi

# ---- the folder, made aside and moved into place
stage=$made/stage
rm -rf "$stage"
mkdir -p "$stage/build/Release" "$stage/programs" "$stage/scripts" "$stage/test/hazards"
cp package.json LICENSE "$stage/"
cp "$made/addon/Release/cutloss.node" "$stage/build/Release/"
strip "$stage/build/Release/cutloss.node"
for name in "${names[@]}"; do cp "$made/programs/$name" "$stage/programs/"; done
cp -r dist bench "$stage/"
rm -rf "$stage/bench/results"
find "$stage/dist" -name '*.d.ts' -delete
cp -r test/hazards/children "$stage/test/hazards/"
cp scripts/gpu-check.sh "$stage/scripts/"
cp -r scripts/gpu "$stage/scripts/"
cp "$archive" "$stage/node.tar.gz"
node scripts/gpu/stage.mjs "$stage" "$architectures" "$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')"
tar -C "$stage" --sort=name --mtime=@0 --owner=0 --group=0 -c build programs | gzip -9n > "$stage/native.tar.gz"
rm -r "$stage/build" "$stage/programs"

bytes=$(find "$stage" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
rm -rf "$pack"
mkdir -p "$(dirname "$pack")"
mv "$stage" "$pack"
megabytes=$(awk -v bytes="$bytes" 'BEGIN { printf "%.1f", bytes / 1e6 }')
echo "gpu-pack: $pack holds $(find "$pack" -type f | wc -l) files, $megabytes MB"
[ "$bytes" -le "$most_bytes" ] || fail "Expected at most $most_bytes bytes"
