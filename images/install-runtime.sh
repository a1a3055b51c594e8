#!/bin/sh
# Installs the runtime into /opt/runtime while a runtime layer is built; nothing of it is kept.
#
#     install-runtime.sh REQUIREMENTS [PART...]
#
# Where pip finds the wheels is not the image's business: `wheels/` beside this file when they are
# there, else what the optional secret `pip` (a pip.conf: mirror, private CA) says, else pip's own.
# Whatever the source, every file must have a hash of the requirements.
set -eu
here=$(dirname "$0")
requirements=$1
shift

install() {
  python3 -m pip --python /opt/runtime/bin/python install --disable-pip-version-check \
    --root-user-action=ignore --no-compile --no-deps --require-hashes --only-binary :all: "$@"
}

if [ -s /run/secrets/ca.crt ]; then export PIP_CERT=/run/secrets/ca.crt; fi
set -- "$@" --
# a wheel that is installed by the Dockerfile does not mean that the others are there, too
if [ -n "$(find "$here/wheels" -name '*.whl' ! -name 'onnxruntime_gpu-*' 2>/dev/null)" ]; then
  set -- "$@" --no-index --find-links "$here/wheels"
fi
parts=""
while [ "$1" != -- ]; do
  parts="$parts $1"
  shift
done
shift

install "$@" --requirement "$requirements"
python3 -m pip --python /opt/runtime/bin/python check
for part in $parts; do
  install "$@" --requirement "$here/parts/$part.txt"
done

# The packages' own tests, tools of ONNX Runtime that prepare models, and its library for C:
# 29 MB that the one for Python holds once more.
cd /opt/runtime
rm -rf include bin/activate* bin/Activate*
cd lib/python3*/site-packages
rm -rf onnxruntime/transformers onnxruntime/quantization onnxruntime/tools
rm -f onnxruntime/capi/libonnxruntime.so.*
find . -type d -name tests -prune -exec rm -rf {} +
