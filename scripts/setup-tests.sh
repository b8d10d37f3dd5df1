#!/usr/bin/env bash
# Installs what the tests need beyond `npm ci`: system packages (on Debian and Ubuntu), and ONNX Runtime, in a folder of its own
# for its size. Tests whose things are missing are skipped and say so; with CI set they fail.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v dpkg-query >/dev/null; then
  bash scripts/setup-debian.sh
else
  echo "setup-tests: no Debian here; tests that need one of its packages will be skipped" >&2
fi
# its install script would download libraries for GPUs
ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix test/onnxruntime --ignore-scripts --no-audit --no-fund
