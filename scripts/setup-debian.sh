#!/usr/bin/env bash
# Installs what the tests need beyond Node and npm, on Debian and Ubuntu. The one list of system packages:
# continuous integration, the README and developers all use this file. Does nothing where they are there already.
#   bash scripts/setup-debian.sh          install what is missing (as root, or through sudo)
#   bash scripts/setup-debian.sh --list   print the packages and stop
set -euo pipefail

packages=(
  chromium # the browser tests: the library bundled, run and compared with Node
  libopenblas0-pthread # large matrix products, where it is found; the tests compare it with our own
  libdnnl2 # oneDNN, likewise: products in float32 on processors with 512-bit vectors
  dataset-fashion-mnist # 28×28 pictures of clothes in the IDX format: an example trains on them
  libonnx-testdata # models and operator tests of the ONNX project, which the importer is held against
)

if [[ "${1:-}" == "--list" ]]; then
  printf '%s\n' "${packages[@]}"
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null || true)
  [[ "$status" == "install ok installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "setup-debian: all there (${packages[*]})"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "setup-debian: needs root or sudo to install: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
