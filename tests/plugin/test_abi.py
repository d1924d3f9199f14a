"""The structs as Python packs them are those of the header, as a C compiler and rustc have them."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path

import numpy as np
import pytest

import conformance
from conformance.plugin import abi
from conformance.problem import FORMATS, Family, Problem, parse_problem
from conformance.problem.operators import PASSES
from conformance.problem.window import AUTO_PADS, PAD_MODES
from tests.targets.native import build

HEADER = Path(conformance.get_include(), "conformance.h").read_text(encoding="utf-8")
RUST = Path(conformance.get_include(), "conformance.rs").read_text(encoding="utf-8")
STRUCTS = ("problem", "tensor", "call")


def fields(struct: str) -> list[str]:
    body = re.search(rf"typedef struct conformance_{struct} {{(.*?)\n}}", HEADER, re.DOTALL)
    assert body is not None
    without_comments = re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL)
    return re.findall(r"(\w+)(?:\[\w+\])?;", without_comments)


DUMP = """
#include <conformance.h>
#include <stdio.h>
#define P(name) call->problem->name
#define AXES(name) for (int i = 0; i < CONFORMANCE_MAX_NDIM; i++) at += sprintf(at, #name "[%d]=%lld ", i, (long long)P(name)[i]);
#define ONE(name) at += sprintf(at, #name "=%lld ", (long long)P(name));
#define TENSOR(name) if (call->name) { \\
  at += sprintf(at, #name "=%d,%d,%u:", call->name->dtype, call->name->rank, call->name->size == sizeof *call->name); \\
  for (int i = 0; i < CONFORMANCE_MAX_RANK; i++) at += sprintf(at, "%lld/%lld,", (long long)call->name->shape[i], \\
    (long long)call->name->stride[i]); at += sprintf(at, "%p ", call->name->data); }
CONFORMANCE_EXPORT void dump(const conformance_call *call, char *at) {
  at += sprintf(at, "sizes=%d ", call->size == sizeof *call && P(size) == sizeof *call->problem);
  ONE(family) ONE(pass) ONE(ndim) ONE(batch) ONE(channels) ONE(out_channels) ONE(groups)
  AXES(input) AXES(output) AXES(kernel) AXES(stride) AXES(dilation) AXES(pad_begin) AXES(pad_end) AXES(output_padding)
  ONE(divisor) at += sprintf(at, "norm=%g ", P(norm));
  ONE(pad_mode) ONE(pad_rule) ONE(ceil) ONE(count_include_pad) ONE(has_divisor) ONE(unbatched)
  TENSOR(x) TENSOR(w) TENSOR(b) TENSOR(dy) TENSOR(ddx) TENSOR(indices) TENSOR(x_zero) TENSOR(w_zero) TENSOR(scale)
  TENSOR(y_zero) TENSOR(result) TENSOR(result_indices)
  at += sprintf(at, "message=%u,%p workspace=%p,%llu has=%d", call->message_size, (void *)call->message, call->workspace,
                (unsigned long long)call->workspace_size, CONFORMANCE_HAS(call->problem, unbatched));
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("abi")
    source = folder / "dump.c"
    source.write_text(DUMP)
    return ctypes.CDLL(build(source, folder, "-D_GNU_SOURCE"))


def seen(library: ctypes.CDLL, problem: Problem, workspace: tuple[int, int] = (0, 0)) -> tuple[dict[str, str], abi.Block]:
    given = {name: np.zeros(shape, problem.dtype_of(name)) for name, shape in problem.array_shapes.items()}
    results = [np.zeros(abi.result_shape(problem), problem.result_format.numpy)]
    results += [np.zeros(problem.result_shape, np.int64)] if problem.indices else []
    block = abi.Block(problem, given, results, 0x1000)
    block.set_workspace(*workspace)
    text = ctypes.create_string_buffer(1 << 14)
    library.dump(ctypes.c_void_p(block.address), text)
    return dict(word.split("=", 1) for word in text.value.decode().split()), block


def axes(name: str, *values: int) -> dict[str, str]:
    return {f"{name}[{axis}]": str(value) for axis, value in enumerate(values)}


def test_a_c_compiler_reads_every_field_of_a_convolution(library: ctypes.CDLL) -> None:
    text = "conv2d f64 n2 c4 i9x7 o6 k3x2 s2x1 p1:0x2:1 d1x2 g2 reflect bias"
    found, _ = seen(library, parse_problem(text), (0x2000, 77))
    expected = {
        "sizes": "1", "family": "1", "pass": "1", "ndim": "2", "batch": "2", "channels": "4", "out_channels": "6", "groups": "2",
        **axes("input", 9, 7, 1), **axes("output", 4, 8, 1), **axes("kernel", 3, 2, 1), **axes("stride", 2, 1, 1),
        **axes("dilation", 1, 2, 1), **axes("pad_begin", 1, 2, 0), **axes("pad_end", 0, 1, 0), **axes("output_padding", 0, 0, 0),
        "divisor": "0", "norm": "2", "pad_mode": "1", "pad_rule": "0", "ceil": "0", "count_include_pad": "1", "has_divisor": "0",
        "unbatched": "0", "has": "1", "message": "256,0x1000", "workspace": "0x2000,77",
    }  # fmt: skip
    assert {name: value for name, value in found.items() if name in expected} == expected
    rest = {name: value.rpartition(",")[0] for name, value in found.items() if name not in expected}
    assert rest == {
        "x": "1,4,1:2/2016,4/504,9/56,7/8,1/0,1/0,1/0,1/0",
        "w": "1,4,1:6/96,2/48,3/16,2/8,1/0,1/0,1/0,1/0",
        "b": "1,1,1:6/8,1/0,1/0,1/0,1/0,1/0,1/0,1/0",
        "result": "1,4,1:2/1536,6/256,4/64,8/8,1/0,1/0,1/0,1/0",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("conv_transpose1d c2 i5 o3 k3 s2 op1", {"family": "2", **axes("output_padding", 1, 0, 0), **axes("output", 12, 1, 1)}),
        ("conv_transpose1d_input_grad c2 i5 o3 k3 s2 op1", {"pass": "2", **axes("input", 5, 1, 1), **axes("output", 12, 1, 1)}),
        ("avg_pool1d f64 n1 c1 i9 k2 exclude_pad divisor3", {"count_include_pad": "0", "divisor": "3", "has_divisor": "1"}),
        ("max_pool2d f32 n1 c3 i8x8 k3x3 s2x2 p1:0x1 ceil indices unbatched", {"ceil": "1", "unbatched": "1"}),
        ("lp_pool1d f32 i9 k2 norminf", {"norm": "inf", "family": "6"}),
        ("adaptive_avg_pool2d f32 n1 c3 i7x7 to3x2", {"family": "8", **axes("output", 3, 2, 1)}),
        ("max_unpool1d f32 i8 k2 s2", {"family": "9", **axes("input", 4, 1, 1), **axes("output", 8, 1, 1)}),
        ("conv2d f32 i9x9 k3x3 same_lower", {"pad_rule": "4", **axes("pad_begin", 1, 1, 0)}),
        ("conv3d_double_grad f32 i3x4x5 k2x2x2", {"pass": "5", "ndim": "3", **axes("input", 3, 4, 5)}),
    ],
)  # fmt: skip
def test_a_c_compiler_reads_what_tells_operators_apart(library: ctypes.CDLL, text: str, expected: dict[str, str]) -> None:
    problem = parse_problem(text)
    found, _ = seen(library, problem)
    assert {name: found[name] for name in expected} == expected
    assert {*abi.INPUTS, *abi.RESULTS} & found.keys() == {*problem.array_shapes, "result"} | (
        {"result_indices"} if problem.indices else set()
    )


def test_tensors_of_a_quantised_convolution_have_their_types(library: ctypes.CDLL) -> None:
    found, _ = seen(library, parse_problem("conv_integer2d uint8>int8 n1 c3 i8x8 o4 k3x3 bias"))
    types = {name: found[name].partition(",")[0] for name in ("x", "w", "b", "x_zero", "w_zero", "scale", "y_zero", "result")}
    number = {name: str(at) for at, name in enumerate(FORMATS, 1)}
    assert types == {
        "x": number["uint8"], "w": number["int8"], "b": number["int32"], "x_zero": number["uint8"],
        "w_zero": number["int8"], "scale": number["float32"], "y_zero": number["int8"], "result": number["int8"],
    }  # fmt: skip
    assert found["x_zero"].split(",")[1] == "0"  # a scalar has no axis


@pytest.mark.parametrize("text", [HEADER, RUST])
def test_the_constants_have_the_numbers_that_python_has(text: str) -> None:
    named = re.findall(r"(?:CONFORMANCE_|pub const )([A-Z]\w+)(?:: i32)? = (\d+)", text)
    numbers = {name: int(value) for name, value in named}
    expected = {name: at for at, name in enumerate(abi.STATUSES)}
    expected |= {family.upper(): at for at, family in enumerate(Family, 1)}
    expected |= {name.upper(): at for at, name in enumerate(PASSES, 1)}
    expected |= {name.upper(): at for at, name in enumerate(FORMATS, 1)}
    expected |= {mode.upper(): at for at, mode in enumerate(PAD_MODES)}
    if text is HEADER:
        expected |= {rule.upper(): at for at, rule in enumerate(("EXPLICIT", *AUTO_PADS))}
        expected |= {"MAX_NDIM": abi.MAX_NDIM, "MAX_RANK": abi.MAX_RANK}
    assert numbers == expected


def test_the_header_has_the_version_that_python_has() -> None:
    assert f"#define CONFORMANCE_ABI_MAJOR {abi.MAJOR}u" in HEADER
    assert f"#define CONFORMANCE_ABI_MINOR {abi.MINOR}u" in HEADER
    assert f"pub const ABI: u32 = {abi.MAJOR} << 16{f' | {abi.MINOR}' if abi.MINOR else ''};" in RUST


def test_rust_has_every_field_where_c_has_it(tmp_path: Path) -> None:
    c = "\n".join(
        f"  *to++ = sizeof(conformance_{struct});"
        + "".join(f" *to++ = offsetof(conformance_{struct}, {name});" for name in fields(struct))
        for struct in STRUCTS
    )
    source = tmp_path / "places.c"
    source.write_text(f"#include <conformance.h>\nCONFORMANCE_EXPORT void places(uint64_t *to) {{\n{c}\n}}\n")
    rust = "\n".join(
        ", ".join(
            [f"size_of::<{struct.title()}>()", *(f"offset_of!({struct.title()}, {name})" for name in fields(struct))]
        ) + ","
        for struct in STRUCTS
    )  # fmt: skip
    other = tmp_path / "places_of_rust.rs"
    other.write_text(
        "#[allow(dead_code, unused_macros)] mod conformance {\n"
        'include!(concat!(env!("CONFORMANCE_INCLUDE"), "/conformance.rs")); }\n'
        "use conformance::*; use std::mem::{offset_of, size_of};\n"
        f'#[no_mangle] pub unsafe extern "C" fn places(to: *mut u64) {{ for (i, at) in [{rust}].iter().enumerate() '
        "{ *to.add(i) = *at as u64; } }\n"
    )
    count = sum(1 + len(fields(struct)) for struct in STRUCTS)
    assert count > 45
    found = []
    for path in (source, other):
        room = (ctypes.c_uint64 * count)()
        ctypes.CDLL(build(path, tmp_path)).places(room)
        found.append(list(room))
    assert found[0] == found[1]
    assert max(found[0]) > 200


@pytest.mark.parametrize(("name", "flags"), [
    ("header.c", ("-std=c99", "-pedantic")), ("header.c", ("-std=c17", "-pedantic", "-Wmissing-prototypes")),
    ("header.cpp", ("-std=c++11", "-pedantic")), ("header.cpp", ("-std=c++20", "-pedantic", "-Wconversion")),
])  # fmt: skip
def test_the_header_compiles_without_a_warning(tmp_path: Path, name: str, flags: tuple[str, ...]) -> None:
    source = tmp_path / name
    source.write_text('#include <conformance.h>\n#include <conformance.h>\nCONFORMANCE_LIBRARY("conv2d")\n')
    build(source, tmp_path, *flags)


def test_an_invalid_problem_has_a_struct_too(library: ctypes.CDLL) -> None:
    problem = parse_problem("conv2d i6x6 k3x3 c4 o4").with_windows(stride=0).replace(groups=0)
    found, _ = seen_of_invalid(library, problem)
    assert found["stride[0]"] == "0"
    assert found["groups"] == "0"
    assert found["output[0]"] == "0"


def seen_of_invalid(library: ctypes.CDLL, problem: Problem) -> tuple[dict[str, str], abi.Block]:
    block = abi.Block(problem, {"x": np.zeros((1, 4, 6, 6))}, [np.zeros(abi.result_shape(problem))], 0)
    text = ctypes.create_string_buffer(1 << 14)
    library.dump(ctypes.c_void_p(block.address), text)
    return dict(word.split("=", 1) for word in text.value.decode().split()), block
