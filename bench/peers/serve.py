"""The process of a Python peer: python3 serve.py MODULE. The same protocol as serve.js."""

import importlib
import json
import os
import sys
import time

# the standard output belongs to the protocol, whatever a library likes to print
protocol = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def answer(message, state):
    command = message["command"]
    if command == "load":
        try:
            module = importlib.import_module(sys.argv[1])
        except ModuleNotFoundError as missing:
            package = f"python3-{missing.name}"
            raise RuntimeError(f"{sys.executable} has no {missing.name} (apt-get install {package})") from None
        state["loaded"] = module.load(message["item"], message["files"])
        return {"name": state["loaded"].name, "notes": state["loaded"].notes}
    loaded = state["loaded"]
    if command == "verify":
        loaded.verify().astype("float32").tofile(message["path"])
        return {}
    if command == "facts":
        return {"facts": None}
    started = time.perf_counter()
    loaded.run(message["times"])
    return {"seconds": time.perf_counter() - started}


def main():
    state = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), state)
        except Exception as error:
            print(repr(error), file=sys.stderr)
            reply = {"error": str(error).split("\n")[0]}
        protocol.write(json.dumps(reply) + "\n")
        protocol.flush()


main()
