#!/usr/bin/env bash
# Sets up a real tfjs-node for the tests and benches of cutloss/tfjs, outside the repository: the npm package, built
# against the shared objects of a TensorFlow wheel, because its own installer downloads libtensorflow from a place that
# not every machine reaches. About 1.2 GB and a minute; does nothing where it is done already.
#
#   scripts/setup-tfjs-node.sh [FOLDER]     default: $CUTLOSS_TFJS_NODE, else ~/.cache/cutloss/tfjs-node
#
# Tests look in the same places; without it they are reported as skipped.
set -euo pipefail

tfjs=4.22.0
tensorflow=2.21.0
folder=${1:-${CUTLOSS_TFJS_NODE:-${XDG_CACHE_HOME:-$HOME/.cache}/cutloss/tfjs-node}}
package=node_modules/@tensorflow/tfjs-node
recipe="tfjs-node $tfjs, TensorFlow $tensorflow, Node ABI $(node -p process.versions.modules)"

fail() {
  echo "setup-tfjs-node: $1" >&2
  exit 1
}

[ "$(uname -sm)" = 'Linux x86_64' ] || fail "Expected Linux on x86_64, which the wheel is for, but this is $(uname -sm)"
for tool in node npm python3 make g++; do
  command -v "$tool" > /dev/null || fail "Expected $tool on the PATH but it is not there"
done
python3 -m pip --version > /dev/null || fail 'Expected python3 -m pip to work: it fetches the TensorFlow wheel'

mkdir -p "$folder"
cd "$folder"
exec 9> .lock
flock 9
if [ -f .recipe ] && [ "$(cat .recipe)" = "$recipe" ]; then
  echo "$recipe: already in $PWD"
  exit 0
fi
rm -rf .recipe wheel
echo "$recipe: into $PWD"

echo '{ "private": true }' > package.json
npm install --ignore-scripts --no-audit --no-fund --loglevel=error "@tensorflow/tfjs-node@$tfjs"

# Any Python will do: only the shared objects and C headers of the wheel are used.
PIP_RETRIES=0 python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 \
  --platform manylinux_2_27_x86_64 --dest wheel "tensorflow_cpu==$tensorflow"
rm -rf "$package/deps"
mkdir -p "$package/deps/lib"
python3 - wheel/*.whl "$package/deps" << 'PYTHON'
import pathlib, shutil, sys, zipfile

wheel, deps = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for name in wheel.namelist():
    if name in ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"):
        to = deps / "lib" / pathlib.Path(name).name
    elif name.startswith("tensorflow/include/") and name.endswith(".h") and ("/c/" in name or "ctstring" in name):
        to = deps / pathlib.Path(name).relative_to("tensorflow")
    else:
        continue
    to.parent.mkdir(parents=True, exist_ok=True)
    with wheel.open(name) as source, open(to, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
PYTHON
rm -rf wheel
ln -s libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
ln -s libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"

# Node's own headers where they are beside the binary: then nothing is downloaded.
node_home=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
headers=()
[ -f "$node_home/include/node/node_api.h" ] && headers=("--nodedir=$node_home")
gyp=$(npm root --global)/npm/node_modules/node-gyp/bin/node-gyp.js
[ -f "$gyp" ] || fail "Expected npm's own node-gyp at $gyp but it is not there"
(cd "$package" && node "$gyp" rebuild --loglevel=error "${headers[@]}" --module_name=tfjs_binding \
  --module_path="$PWD/lib/napi-v8" --napi_build_version=8 > build.log 2>&1) || {
  tail -n 40 "$package/build.log" >&2
  fail 'node-gyp could not build tfjs_binding.node'
}

TF_CPP_MIN_LOG_LEVEL=2 node -e "
  const util = require('util');
  util.isNullOrUndefined ??= (value) => value == null;
  const tf = require('@tensorflow/tfjs-node');
  if (tf.tensor([1, 2]).sum().dataSync()[0] !== 3 || tf.getBackend() !== 'tensorflow') process.exit(1);
" || fail 'tfjs-node was built but does not compute'
echo "$recipe" > .recipe
echo "$recipe: works"
