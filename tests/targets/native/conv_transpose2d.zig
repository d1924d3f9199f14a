//! A direct conv_transpose2d in float32 and float64, written for the C interface with nothing but zig.

const c = @import("conformance.zig"); // what `zig translate-c` makes of conformance.h

export fn conformance_abi() u32 {
    return c.CONFORMANCE_ABI;
}

export fn conformance_claims() [*:0]const u8 {
    return "conv_transpose2d; float32 float64; stride padding asymmetric_padding output_padding dilation per_axis groups bias";
}

fn numbers(comptime T: type, tensor: *const c.conformance_tensor) [*]T {
    return @ptrCast(@alignCast(tensor.data));
}

/// Adds every product of an input element and a weight to the output that it belongs to, if there is one.
fn spread(comptime T: type, call: *const c.conformance_call) void {
    const p = call.problem.*;
    const x, const w, const y = .{ numbers(T, call.x), numbers(T, call.w), numbers(T, call.result) };
    const inner, const outer = .{ @divExact(p.channels, p.groups), @divExact(p.out_channels, p.groups) };
    const plane = p.output[0] * p.output[1];
    for (0..@intCast(p.batch * p.out_channels * plane)) |at| {
        const o = @mod(@divTrunc(@as(i64, @intCast(at)), plane), p.out_channels);
        y[at] = if (call.b) |b| numbers(T, b)[@intCast(o)] else 0;
    }
    for (0..@intCast(p.batch)) |n| for (0..@intCast(p.channels)) |ch| for (0..@intCast(outer)) |k| {
        const group = @divTrunc(@as(i64, @intCast(ch)), inner);
        const to = (@as(i64, @intCast(n)) * p.out_channels + group * outer + @as(i64, @intCast(k))) * plane;
        const from = (@as(i64, @intCast(n)) * p.channels + @as(i64, @intCast(ch))) * p.input[0] * p.input[1];
        const kernel = (@as(i64, @intCast(ch)) * outer + @as(i64, @intCast(k))) * p.kernel[0] * p.kernel[1];
        var i: i64 = 0;
        while (i < p.input[0]) : (i += 1) {
            var j: i64 = 0;
            while (j < p.input[1]) : (j += 1) {
                const element = x[@intCast(from + i * p.input[1] + j)];
                var tap: i64 = 0;
                while (tap < p.kernel[0] * p.kernel[1]) : (tap += 1) {
                    const r = i * p.stride[0] + @divTrunc(tap, p.kernel[1]) * p.dilation[0] - p.pad_begin[0];
                    const s = j * p.stride[1] + @mod(tap, p.kernel[1]) * p.dilation[1] - p.pad_begin[1];
                    if (r >= 0 and r < p.output[0] and s >= 0 and s < p.output[1])
                        y[@intCast(to + r * p.output[1] + s)] += element * w[@intCast(kernel + tap)];
                }
            }
        }
    };
}

export fn conformance_conv_transpose2d(call: *const c.conformance_call) i32 {
    switch (call.x.*.dtype) {
        c.CONFORMANCE_FLOAT32 => spread(f32, call),
        c.CONFORMANCE_FLOAT64 => spread(f64, call),
        else => return c.CONFORMANCE_NOT_SUPPORTED,
    }
    return c.CONFORMANCE_OK;
}
