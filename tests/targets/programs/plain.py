"""conv2d with its gradient to the input, and max_pool2d, for the process protocol, by the standard library alone.

Written from docs/protocol.md, without anything of the package.
"""

import json
import math
import mmap
import os
import sys
from array import array
from itertools import product

SOURCE, SINK = sys.stdin.buffer, sys.stdout.buffer
MOST_PRODUCTS = 20_000_000  # of a call: more would take minutes
CODES = {"float32": "f", "float64": "d", "int64": "q"}
SLIDING = ["batch", "channels", "kernel", "stride", "padding", "dilation", "per_axis"]
CLAIMS = {
    "conv2d": {
        "dtypes": ["float32", "float64"],
        "options": [*SLIDING, "out_channels", "asymmetric_padding", "groups", "bias", "crop"],
    },
    "conv2d_input_grad": {"dtypes": ["float64"], "options": [*SLIDING, "out_channels", "asymmetric_padding", "groups"]},
    "max_pool2d": {"dtypes": ["float32", "float64"], "options": [*SLIDING, "ceil", "indices"]},
}


def send(message, data=b""):
    SINK.write(json.dumps(message).encode() + b"\n" + data)
    SINK.flush()


def outputs_of(p, axis):
    before, after = p["padding"][axis]
    room = p["size"][axis] + before + after - (p["kernel"][axis] - 1) * p["dilation"][axis] - 1
    if not p["ceil"]:
        return room // p["stride"][axis] + 1
    count = -(-room // p["stride"][axis]) + 1
    return count - 1 if (count - 1) * p["stride"][axis] >= p["size"][axis] + before else count


def reads(p, axis):
    """For each output the (tap, input element) pairs that lie in the input."""
    before, _ = p["padding"][axis]
    taps = range(p["kernel"][axis])
    places = [[(k, o * p["stride"][axis] - before + k * p["dilation"][axis]) for k in taps] for o in range(outputs_of(p, axis))]
    return [[(k, at) for k, at in place if 0 <= at < p["size"][axis]] for place in places]


def terms(p):
    """Output, weight and input element, as flat indices, of every product of the convolution."""
    height, width = p["size"]
    kernel_height, kernel_width = p["kernel"]
    inner, outer = p["channels"] // p["groups"], p["out_channels"] // p["groups"]
    rows, columns = reads(p, 0), reads(p, 1)
    for n, o, (i, row), (j, column) in product(range(p["batch"]), range(p["out_channels"]), enumerate(rows), enumerate(columns)):
        y = ((n * p["out_channels"] + o) * len(rows) + i) * len(columns) + j
        for c, (k, r), (m, s) in product(range(inner), row, column):
            channel = o // outer * inner + c
            w = ((o * inner + c) * kernel_height + k) * kernel_width + m
            yield y, w, ((n * p["channels"] + channel) * height + r) * width + s


def conv2d(p, x, w, b=None):
    shape = [p["batch"], p["out_channels"], outputs_of(p, 0), outputs_of(p, 1)]
    places = shape[2] * shape[3]
    y = [b[at // places % p["out_channels"]] if b else 0.0 for at in range(math.prod(shape))]
    for to, weight, of in terms(p):
        y[to] += w[weight] * x[of]
    return [(p["dtype"], shape, y)]


def conv2d_input_grad(p, dy, w):
    shape = [p["batch"], p["channels"], *p["size"]]
    dx = [0.0] * math.prod(shape)
    for of, weight, to in terms(p):
        dx[to] += w[weight] * dy[of]
    return [(p["dtype"], shape, dx)]


def max_pool2d(p, x):
    height, width = p["size"]
    rows, columns = reads(p, 0), reads(p, 1)
    shape = [p["batch"], p["channels"], len(rows), len(columns)]
    values, indices = [], []
    for plane, row, column in product(range(p["batch"] * p["channels"]), rows, columns):
        window = [r * width + s for (_, r), (_, s) in product(row, column)]
        numbers = [x[plane * height * width + at] for at in window]
        best = next((n for n, number in enumerate(numbers) if math.isnan(number)), None)
        best = numbers.index(max(numbers)) if best is None else best
        values.append(numbers[best])
        indices.append(window[best])
    return [(p["dtype"], shape, values)] + ([("int64", shape, indices)] if p["indices"] else [])


def products(p):
    window = math.prod(p["kernel"]) * outputs_of(p, 0) * outputs_of(p, 1)
    return p["batch"] * p["channels"] * p.get("out_channels", 1) // p.get("groups", 1) * window


def take(tensor, memory):
    code = CODES[tensor["dtype"]]
    if "offset" not in tensor:
        return array(code, SOURCE.read(tensor["bytes"]))
    with mmap.mmap(memory, 0) as mapped:
        return array(code, mapped[tensor["offset"] : tensor["offset"] + tensor["bytes"]])


def main():
    hello = json.loads(SOURCE.readline())
    try:
        memory = os.open(hello["memory"], os.O_RDWR)
    except (KeyError, OSError):
        memory = None
    versions = {"python": sys.version.split()[0]}
    send({"protocol": 1, "name": "plain", "versions": versions, "claims": CLAIMS, "memory": memory is not None})
    while line := SOURCE.readline():
        request = json.loads(line)
        tensors = {tensor["name"]: take(tensor, memory) for tensor in request["tensors"]}
        problem = request["problem"]
        function = {"conv2d": conv2d, "conv2d_input_grad": conv2d_input_grad, "max_pool2d": max_pool2d}[problem["operator"]]
        if products(problem) > MOST_PRODUCTS:
            send({"id": request["id"], "unsupported": f"more than {MOST_PRODUCTS:,} products would take minutes"})
            continue
        try:
            outputs = function(problem, **tensors)
        except Exception as error:
            send({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
            continue
        data = [array(CODES[dtype], values).tobytes() for dtype, _, values in outputs]
        said = [{"dtype": dtype, "shape": shape} for dtype, shape, _ in outputs]
        if "room" in request:
            at = request["room"]
            with mmap.mmap(memory, 0) as mapped:
                for one, output in zip(said, data):
                    one["offset"] = at
                    mapped[at : at + len(output)] = output
                    at += -(-len(output) // 64) * 64
        send({"id": request["id"], "outputs": said}, b"" if "room" in request else b"".join(data))


main()
