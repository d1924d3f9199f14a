//! A direct conv1d in float32 and float64, written for the C interface with nothing but rustc.

#[allow(dead_code)]
mod conformance {
    include!(concat!(env!("CONFORMANCE_INCLUDE"), "/conformance.rs"));
}

use conformance::{Call, Tensor, FLOAT32, FLOAT64, INVALID, NOT_SUPPORTED, OK};
use std::ops::{AddAssign, Mul};
use std::slice::{from_raw_parts, from_raw_parts_mut};

conformance_library!("conv1d; float32 float64; stride padding asymmetric_padding crop dilation groups bias");

fn elements(tensor: &Tensor) -> usize {
    tensor.shape[..tensor.rank as usize].iter().product::<i64>() as usize
}

/// The numbers of a contiguous tensor; none where there is no tensor.
unsafe fn numbers<'a, T>(tensor: *const Tensor) -> &'a [T] {
    tensor.as_ref().map_or(&[], |t| from_raw_parts(t.data as *const T, elements(t)))
}

unsafe fn convolve<T: Copy + Default + AddAssign + Mul<Output = T>>(call: &Call) -> i32 {
    let p = &*call.problem;
    let (x, w, b) = (numbers::<T>(call.x), numbers::<T>(call.w), numbers::<T>(call.b));
    let result = &*call.result;
    let y = from_raw_parts_mut(result.data as *mut T, elements(result));
    let (size, outputs, kernel) = (p.input[0], p.output[0], p.kernel[0]);
    let (per_group, out_per_group) = (p.channels / p.groups, p.out_channels / p.groups);
    for (place, sum) in y.iter_mut().enumerate() {
        let (i, o) = (place as i64 % outputs, place as i64 / outputs % p.out_channels);
        let n = place as i64 / (outputs * p.out_channels);
        *sum = b.get(o as usize).copied().unwrap_or_default();
        for c in 0..per_group {
            let row = (n * p.channels + o / out_per_group * per_group + c) * size;
            for k in 0..kernel {
                let at = i * p.stride[0] + k * p.dilation[0] - p.pad_begin[0];
                if (0..size).contains(&at) {
                    *sum += x[(row + at) as usize] * w[((o * per_group + c) * kernel + k) as usize];
                }
            }
        }
    }
    OK
}

/// # Safety
/// `call` must be what the interface says.
#[no_mangle]
pub unsafe extern "C" fn conformance_conv1d(call: *const Call) -> i32 {
    let call = &*call;
    if (*call.problem).groups < 1 {
        return call.say(INVALID, "there must be a group");
    }
    match (*call.x).dtype {
        FLOAT32 => convolve::<f32>(call),
        FLOAT64 => convolve::<f64>(call),
        _ => NOT_SUPPORTED,
    }
}
