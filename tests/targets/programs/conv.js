// conv2d and max_pool2d (forward) for the process protocol, with nothing but what Node.js has.
// Written from docs/protocol.md alone.
"use strict";
const fs = require("fs");

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array };
const WINDOW = ["batch", "channels", "kernel", "stride", "padding", "dilation", "per_axis", "unbatched", "rejects"];
const CLAIMS = {
  conv2d: {
    dtypes: ["float32", "float64"],
    options: [...WINDOW, "out_channels", "asymmetric_padding", "groups", "bias"],
  },
  max_pool2d: { dtypes: ["float32", "float64"], options: [...WINDOW, "ceil", "indices"] },
};

class Invalid extends Error {}

function need(condition, reason) {
  if (!condition) throw new Invalid(reason);
}

// Reading and writing: a line, or as many bytes as were announced.
let pending = Buffer.alloc(0);

function more() {
  const chunk = Buffer.alloc(1 << 16);
  const size = fs.readSync(0, chunk, 0, chunk.length, null);
  pending = Buffer.concat([pending, chunk.subarray(0, size)]);
  return size > 0;
}

function readLine() {
  while (pending.indexOf(10) < 0) if (!more()) return null;
  const end = pending.indexOf(10);
  const line = pending.subarray(0, end).toString();
  pending = pending.subarray(end + 1);
  return line;
}

function readBytes(size) {
  const bytes = Buffer.alloc(size);
  let have = Math.min(size, pending.length);
  pending.copy(bytes, 0, 0, have);
  pending = pending.subarray(have);
  while (have < size) {
    const got = fs.readSync(0, bytes, have, size - have, null);
    if (got === 0) throw new Error("the input ended within a tensor");
    have += got;
  }
  return bytes;
}

function writeAll(file, bytes, position) {
  let done = 0;
  while (done < bytes.length) {
    done += fs.writeSync(file, bytes, done, bytes.length - done, position === null ? null : position + done);
  }
}

const send = (message) => writeAll(1, Buffer.from(JSON.stringify(message) + "\n"), null);

function tensorFrom(said) {
  let bytes;
  if (said.offset === undefined) {
    bytes = readBytes(said.bytes);
  } else {
    bytes = Buffer.alloc(said.bytes);
    for (let have = 0; have < said.bytes; ) {
      have += fs.readSync(memory, bytes, have, said.bytes - have, said.offset + have);
    }
  }
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length); // aligned
  return { dtype: said.dtype, shape: said.shape, data: ARRAYS[said.dtype] ? new ARRAYS[said.dtype](own) : null };
}

// What is asked.
function windows(p) {
  return [0, 1].map((axis) => {
    const [before, after] = p.padding[axis];
    const [size, kernel, stride, dilation] = [p.size[axis], p.kernel[axis], p.stride[axis], p.dilation[axis]];
    need(size > 0 && kernel > 0 && stride > 0 && dilation > 0, "sizes, kernel, stride and dilation are at least 1");
    const room = size + before + after - (kernel - 1) * dilation - 1;
    let outputs = Math.floor(room / stride) + 1;
    if (p.ceil) {
      outputs = Math.ceil(room / stride) + 1;
      if ((outputs - 1) * stride >= size + before) outputs -= 1;
    }
    need(outputs > 0, "the kernel is larger than the padded input");
    return { size, kernel, stride, dilation, before, outputs };
  });
}

function needShape(tensor, shape, what) {
  need(tensor.shape.length === shape.length && shape.every((n, i) => n === tensor.shape[i]), `${what} is not [${shape}]`);
}

const inputShape = (p) => [...(p.unbatched ? [] : [p.batch]), p.channels, ...p.size];
const outputShape = (p, channels, axes) => [...(p.unbatched ? [] : [p.batch]), channels, axes[0].outputs, axes[1].outputs];

function conv2d(p, { x, w, b }) {
  need(p.groups > 0 && p.channels % p.groups === 0 && p.out_channels % p.groups === 0, "groups divide the channels");
  const axes = windows(p), [rows, columns] = axes;
  const inner = p.channels / p.groups, outer = p.out_channels / p.groups;
  needShape(x, inputShape(p), "the input");
  needShape(w, [p.out_channels, inner, rows.kernel, columns.kernel], "the weight");
  if (p.bias) needShape(b, [p.out_channels], "the bias");
  const y = new ARRAYS[x.dtype](p.batch * p.out_channels * rows.outputs * columns.outputs);
  let at = 0;
  for (let n = 0; n < p.batch; n++)
    for (let o = 0; o < p.out_channels; o++)
      for (let i = 0; i < rows.outputs; i++)
        for (let j = 0; j < columns.outputs; j++) {
          let sum = p.bias ? b.data[o] : 0;
          for (let c = 0; c < inner; c++) {
            const channel = Math.floor(o / outer) * inner + c;
            for (let k = 0; k < rows.kernel; k++) {
              const row = i * rows.stride - rows.before + k * rows.dilation;
              if (row < 0 || row >= rows.size) continue;
              for (let l = 0; l < columns.kernel; l++) {
                const column = j * columns.stride - columns.before + l * columns.dilation;
                if (column < 0 || column >= columns.size) continue;
                sum +=
                  x.data[((n * p.channels + channel) * rows.size + row) * columns.size + column] *
                  w.data[((o * inner + c) * rows.kernel + k) * columns.kernel + l];
              }
            }
          }
          y[at++] = sum;
        }
  return [{ dtype: x.dtype, shape: outputShape(p, p.out_channels, axes), data: y }];
}

function max_pool2d(p, { x }) {
  const axes = windows(p), [rows, columns] = axes;
  for (const axis of [0, 1])
    for (const pad of p.padding[axis])
      need(pad >= 0 && 2 * pad <= p.kernel[axis], "the padding is at most half of the kernel");
  needShape(x, inputShape(p), "the input");
  const count = p.batch * p.channels * rows.outputs * columns.outputs;
  const y = new ARRAYS[x.dtype](count), indices = new BigInt64Array(count);
  let at = 0;
  for (let plane = 0; plane < p.batch * p.channels; plane++)
    for (let i = 0; i < rows.outputs; i++)
      for (let j = 0; j < columns.outputs; j++) {
        let best = -Infinity, where = -1;
        for (let k = 0; k < rows.kernel; k++)
          for (let l = 0; l < columns.kernel; l++) {
            const row = i * rows.stride - rows.before + k * rows.dilation;
            const column = j * columns.stride - columns.before + l * columns.dilation;
            if (row < 0 || row >= rows.size || column < 0 || column >= columns.size) continue;
            const value = x.data[(plane * rows.size + row) * columns.size + column];
            if (where < 0 || value > best || (Number.isNaN(value) && !Number.isNaN(best))) {
              best = value;
              where = row * columns.size + column;
            }
          }
        y[at] = best;
        indices[at++] = BigInt(where);
      }
  const shape = outputShape(p, p.channels, axes);
  const outputs = [{ dtype: x.dtype, shape, data: y }];
  return p.indices ? [...outputs, { dtype: "int64", shape, data: indices }] : outputs;
}

// The conversation.
const hello = JSON.parse(readLine());
let memory = null;
if (hello.memory !== undefined) {
  try {
    memory = fs.openSync(hello.memory, "r+");
  } catch (error) {
    memory = null; // then all goes through the pipes
  }
}
send({
  protocol: 1,
  name: "conv.js",
  summary: "plain loops in JavaScript",
  versions: { node: process.versions.node },
  claims: CLAIMS,
  memory: memory !== null,
});

for (let line = readLine(); line !== null; line = readLine()) {
  const request = JSON.parse(line);
  const tensors = {};
  for (const said of request.tensors) tensors[said.name] = tensorFrom(said);
  try {
    const compute = { conv2d, max_pool2d }[request.problem.operator];
    if (compute === undefined) {
      send({ id: request.id, unsupported: `${request.problem.operator} is not here` });
      continue;
    }
    const outputs = compute(request.problem, tensors);
    const bytes = outputs.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    const said = outputs.map(({ dtype, shape }) => ({ dtype, shape }));
    if (request.room !== undefined) {
      let end = request.room;
      for (let i = 0; i < said.length; i++) {
        writeAll(memory, bytes[i], end);
        said[i].offset = end;
        end += Math.ceil(bytes[i].length / 64) * 64;
      }
    }
    send({ id: request.id, outputs: said });
    if (request.room === undefined) for (const one of bytes) writeAll(1, one, null);
  } catch (error) {
    send({ id: request.id, [error instanceof Invalid ? "invalid" : "error"]: String(error.message) });
  }
}
