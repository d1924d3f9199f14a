"""A right conv2d (1x1 kernels, one channel) that breaks the process protocol in the way that its argument names."""

import json
import os
import signal
import sys
import time

SOURCE, SINK = sys.stdin.buffer, sys.stdout.buffer
HOW = sys.argv[1]
HELLOS = {
    "version": {"protocol": 2},
    "no_claims": {"claims": {}},
    "operator": {"claims": {"conv9d": {}}},
    "option": {"claims": {"conv2d": {"options": ["magic"]}}},
    "dtype": {"claims": {"conv2d": {"dtypes": ["int4"]}}},
}


def send(message, data=b""):
    SINK.write(json.dumps(message).encode() + b"\n" + data)
    SINK.flush()


def answer(request):
    """What is sent for a request."""
    said = {"dtype": "float32", "shape": request["tensors"][0]["shape"]}
    right = {"id": request["id"], "outputs": [said]}
    others = {
        "wrong_id": right | {"id": request["id"] + 1},
        "huge": right | {"outputs": [said | {"shape": [2**40, 2**40]}]},
        "too_large": right | {"outputs": [said | {"shape": [2**20]}]},
        "negative": right | {"outputs": [said | {"shape": [-1]}]},
        "unknown_dtype": right | {"outputs": [said | {"dtype": "object"}]},
        "wrong_shape": right | {"outputs": [said | {"shape": [*said["shape"], 1]}]},
        "three_outputs": right | {"outputs": [said] * 3},
        "nowhere": right | {"outputs": [said | {"offset": 0}]},
        "nothing_known": {"id": request["id"], "result": 7},
        "unsupported": {"id": request["id"], "unsupported": "not on a Sunday"},
        "invalid": {"id": request["id"], "invalid": "I do not like it"},
        "error": {"id": request["id"], "error": "no such \x1b[31mluck"},
    }
    return others.get(HOW, right)


def misbehave(count):
    """What is done before the answer."""
    if HOW == "exits_at_the_third_call" and count == 3:
        print("the third one is too much", file=sys.stderr, flush=True)
        sys.exit(7)
    if HOW == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if HOW == "hangs":
        print("waiting for a lock", file=sys.stderr, flush=True)
        time.sleep(600)
    if HOW == "prints":
        print("debug: here we are", flush=True)
    if HOW == "prints_without_end":
        print("half a line", end="", flush=True)
    if HOW == "endless_line":
        SINK.write(b"{" + b" " * 2**21)
        SINK.flush()
    if HOW == "closes":
        os.close(1)
        time.sleep(600)
    if HOW == "forks" and os.fork() == 0:
        time.sleep(600)
    if HOW == "forks_and_exits":
        if os.fork() == 0:
            time.sleep(600)
        os._exit(3)


def main():
    if HOW == "exits_at_once":
        print("libmagic.so is missing", file=sys.stderr)
        sys.exit(5)
    if HOW == "greets":
        print("Welcome to broken.py!", flush=True)
    if HOW == "mute":
        time.sleep(600)
    SOURCE.readline()
    hello = {"protocol": 1, "name": "broken", "claims": {"conv2d": {"options": ["batch"]}}}
    send(hello | HELLOS.get(HOW, {}))
    count = 0
    while line := SOURCE.readline():
        request, count = json.loads(line), count + 1
        x, w = (SOURCE.read(tensor["bytes"]) for tensor in request["tensors"])
        if HOW == "complains":
            print("a remark of no matter", file=sys.stderr, flush=True)
        misbehave(count)
        one = answer(request)
        y = scaled(x, w)
        if HOW == "half_an_output":
            send(one, y[:1])
            sys.exit(4)
        send(one, y if "outputs" in one and HOW != "nowhere" else b"")


def scaled(x, w):
    from array import array

    (factor,) = array("f", w)
    return array("f", [factor * number for number in array("f", x)]).tobytes()


main()
