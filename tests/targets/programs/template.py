import json
import sys
from array import array


def conv1d(p, x, w):  # flat, in C order: the input (batch, channels, size), the weight (out_channels, channels, kernel)
    n, c, o, (size,), (k,), (s,) = (p[key] for key in ("batch", "channels", "out_channels", "size", "kernel", "stride"))
    length, y = (size - k) // s + 1, array("f")
    for b, f, at in ((b, f, at) for b in range(n) for f in range(o) for at in range(length)):
        terms = ((x[(b * c + ch) * size + at * s + i], w[(f * c + ch) * k + i]) for ch in range(c) for i in range(k))
        y.append(sum(element * weight for element, weight in terms))
    return y, [n, o, length]


def send(message, data=b""):
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n" + data)
    sys.stdout.buffer.flush()


sys.stdin.buffer.readline()  # the hello
options = ["batch", "channels", "out_channels", "kernel", "stride"]
send({"protocol": 1, "name": "template", "claims": {"conv1d": {"dtypes": ["float32"], "options": options}}})
while line := sys.stdin.buffer.readline():  # until the input ends
    request = json.loads(line)
    tensors = {t["name"]: array("f", sys.stdin.buffer.read(t["bytes"])) for t in request["tensors"]}
    try:
        result, shape = conv1d(request["problem"], **tensors)
        send({"id": request["id"], "outputs": [{"dtype": "float32", "shape": shape}]}, result.tobytes())
    except Exception as error:
        send({"id": request["id"], "error": str(error)})
