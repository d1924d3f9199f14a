// The interface of conformance.h, version 1.0, for Rust without a crate; the header explains every field.
//
//     mod conformance { include!(concat!(env!("CONFORMANCE_INCLUDE"), "/conformance.rs")); }
//     conformance_library!("conv1d; float32; stride padding");
//     #[no_mangle]
//     pub unsafe extern "C" fn conformance_conv1d(call: *const Call) -> i32 { ... OK }
//
// compiled with CONFORMANCE_INCLUDE="$(conformance include-dir)" in the environment.

use std::ffi::{c_char, c_void};

pub const ABI: u32 = 1 << 16;

pub const OK: i32 = 0;
pub const NOT_SUPPORTED: i32 = 1;
pub const INVALID: i32 = 2;
pub const OUT_OF_MEMORY: i32 = 3;
pub const FAILED: i32 = 4;

pub const CONV: i32 = 1;
pub const CONV_TRANSPOSE: i32 = 2;
pub const CONV_INTEGER: i32 = 3;
pub const MAX_POOL: i32 = 4;
pub const AVG_POOL: i32 = 5;
pub const LP_POOL: i32 = 6;
pub const ADAPTIVE_MAX_POOL: i32 = 7;
pub const ADAPTIVE_AVG_POOL: i32 = 8;
pub const MAX_UNPOOL: i32 = 9;

pub const FORWARD: i32 = 1;
pub const INPUT_GRAD: i32 = 2;
pub const WEIGHT_GRAD: i32 = 3;
pub const BIAS_GRAD: i32 = 4;
pub const DOUBLE_GRAD: i32 = 5;

pub const FLOAT64: i32 = 1;
pub const FLOAT32: i32 = 2;
pub const FLOAT16: i32 = 3;
pub const BFLOAT16: i32 = 4;
pub const COMPLEX128: i32 = 5;
pub const COMPLEX64: i32 = 6;
pub const INT64: i32 = 7;
pub const INT32: i32 = 8;
pub const INT8: i32 = 9;
pub const UINT8: i32 = 10;

pub const ZEROS: i32 = 0;
pub const REFLECT: i32 = 1;
pub const REPLICATE: i32 = 2;
pub const CIRCULAR: i32 = 3;

#[repr(C)]
pub struct Problem {
    pub size: u32,
    pub family: i32,
    pub pass: i32,
    pub ndim: i32,
    pub batch: i64,
    pub channels: i64,
    pub out_channels: i64,
    pub groups: i64,
    pub input: [i64; 3],
    pub output: [i64; 3],
    pub kernel: [i64; 3],
    pub stride: [i64; 3],
    pub dilation: [i64; 3],
    pub pad_begin: [i64; 3],
    pub pad_end: [i64; 3],
    pub output_padding: [i64; 3],
    pub divisor: i64,
    pub norm: f64,
    pub pad_mode: i32,
    pub pad_rule: i32,
    pub ceil: i32,
    pub count_include_pad: i32,
    pub has_divisor: i32,
    pub unbatched: i32,
}

#[repr(C)]
pub struct Tensor {
    pub size: u32,
    pub dtype: i32,
    pub rank: i32,
    pub reserved: i32,
    pub data: *mut c_void,
    pub shape: [i64; 8],
    pub stride: [i64; 8],
}

#[repr(C)]
pub struct Call {
    pub size: u32,
    pub message_size: u32,
    pub message: *mut c_char,
    pub problem: *const Problem,
    pub x: *const Tensor,
    pub w: *const Tensor,
    pub b: *const Tensor,
    pub dy: *const Tensor,
    pub ddx: *const Tensor,
    pub indices: *const Tensor,
    pub x_zero: *const Tensor,
    pub w_zero: *const Tensor,
    pub scale: *const Tensor,
    pub y_zero: *const Tensor,
    pub result: *const Tensor,
    pub result_indices: *const Tensor,
    pub workspace: *mut c_void,
    pub workspace_size: u64,
}

impl Call {
    /// Says what is wrong: `return call.say(INVALID, "the stride is 0");`
    ///
    /// # Safety
    /// `message` must have room for `message_size` bytes, as the harness's has.
    pub unsafe fn say(&self, status: i32, text: &str) -> i32 {
        if self.message_size > 0 {
            let count = text.len().min(self.message_size as usize - 1);
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.message as *mut u8, count);
            *self.message.add(count) = 0;
        }
        status
    }
}

/// Exports the version that the library was built for, and what it claims.
#[macro_export]
macro_rules! conformance_library {
    ($claims:literal) => {
        #[no_mangle]
        pub extern "C" fn conformance_abi() -> u32 {
            $crate::conformance::ABI
        }
        #[no_mangle]
        pub extern "C" fn conformance_claims() -> *const std::ffi::c_char {
            concat!($claims, "\0").as_ptr() as *const std::ffi::c_char
        }
    };
}
