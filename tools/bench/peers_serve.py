"""A peer of tools/bench/peers as a process: answers one line of JSON for each line that it is sent. The first line holds
the settings, then a line names a method and its arguments: peers_serve.py MODULE CLASS"""

import importlib
import json
import sys
import traceback


def main(module: str, kind: str):
    peer = None
    # What a library prints would stand between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            request = json.loads(line)
            if peer is None:
                peer = getattr(importlib.import_module(module), kind)(request)
                reply = {"library": peer.prepare()}
            else:
                reply = getattr(peer, request.pop("do"))(**request)
        except Exception as problem:  # whoever asked decides what it means
            traceback.print_exc()
            lines = f"{type(problem).__name__}: {problem}".strip().splitlines()
            reply = {"error": lines[0][:300]}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
