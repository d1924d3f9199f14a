// max_pool and avg_pool in one, two and three axes for many types by templates, on tensors of any strides, with indices.
// It claims nothing in words: what it does not do, it answers NOT_SUPPORTED to.
#include <conformance.h>

#include <algorithm>
#include <cstdint>

namespace {

using Index = std::int64_t;

template <typename T>
T &at(const conformance_tensor &tensor, Index n, Index c, const Index (&i)[3]) {
  const Index *stride = tensor.stride;
  Index offset = n * stride[0] + c * stride[1];
  for (int axis = 0; axis < 3; axis++) offset += i[axis] * stride[axis + 2];
  return *reinterpret_cast<T *>(static_cast<char *>(tensor.data) + offset);
}

// Calls visit(position) for every element of the input in the window at y, first to last.
template <typename Visit>
void window(const conformance_problem &p, const Index (&y)[3], Visit visit) {
  Index k[3], x[3];
  for (k[0] = 0; k[0] < p.kernel[0]; k[0]++)
    for (k[1] = 0; k[1] < p.kernel[1]; k[1]++)
      for (k[2] = 0; k[2] < p.kernel[2]; k[2]++) {
        bool inside = true;
        for (int axis = 0; axis < 3; axis++) {
          x[axis] = y[axis] * p.stride[axis] + k[axis] * p.dilation[axis] - p.pad_begin[axis];
          inside = inside && x[axis] >= 0 && x[axis] < p.input[axis];
        }
        if (inside) visit(x);
      }
}

template <typename T>
T maximum(const conformance_problem &p, const conformance_call &call, Index n, Index c, const Index (&y)[3]) {
  T best{};
  Index place = -1;
  window(p, y, [&](const Index (&x)[3]) {
    const T value = at<T>(*call.x, n, c, x);
    if (place < 0 || value > best || (value != value && best == best)) {  // a NaN goes before every number
      best = value;
      place = (x[0] * p.input[1] + x[1]) * p.input[2] + x[2];
    }
  });
  if (call.result_indices) at<Index>(*call.result_indices, n, c, y) = place;
  return best;
}

template <typename T>
T average(const conformance_problem &p, const conformance_call &call, Index n, Index c, const Index (&y)[3]) {
  T sum{};
  Index count = 0, whole = 1;
  window(p, y, [&](const Index (&x)[3]) { sum += at<T>(*call.x, n, c, x), count++; });
  for (int axis = 0; axis < 3; axis++) {  // the padding counts, what hangs over it in ceil mode does not
    const Index start = y[axis] * p.stride[axis] - p.pad_begin[axis];
    whole *= std::min(start + p.kernel[axis], p.input[axis] + p.pad_end[axis]) - start;
  }
  return sum / static_cast<T>(p.has_divisor ? p.divisor : p.count_include_pad ? whole : count);
}

template <typename T, typename Of>
std::int32_t pool(const conformance_call &call, Of of) {
  const conformance_problem &p = *call.problem;
  Index y[3];
  for (Index n = 0; n < p.batch; n++)
    for (Index c = 0; c < p.channels; c++)
      for (y[0] = 0; y[0] < p.output[0]; y[0]++)
        for (y[1] = 0; y[1] < p.output[1]; y[1]++)
          for (y[2] = 0; y[2] < p.output[2]; y[2]++) at<T>(*call.result, n, c, y) = of(p, call, n, c, y);
  return CONFORMANCE_OK;
}

std::int32_t max_pool(const conformance_call *call) {
  if (call->problem->unbatched) return CONFORMANCE_NOT_SUPPORTED;
  switch (call->x->dtype) {
    case CONFORMANCE_FLOAT32: return pool<float>(*call, maximum<float>);
    case CONFORMANCE_FLOAT64: return pool<double>(*call, maximum<double>);
    case CONFORMANCE_INT64: return pool<std::int64_t>(*call, maximum<std::int64_t>);
    case CONFORMANCE_INT32: return pool<std::int32_t>(*call, maximum<std::int32_t>);
    case CONFORMANCE_INT8: return pool<std::int8_t>(*call, maximum<std::int8_t>);
    case CONFORMANCE_UINT8: return pool<std::uint8_t>(*call, maximum<std::uint8_t>);
    default: return CONFORMANCE_NOT_SUPPORTED;
  }
}

std::int32_t avg_pool(const conformance_call *call) {
  if (call->problem->unbatched) return CONFORMANCE_NOT_SUPPORTED;
  switch (call->x->dtype) {
    case CONFORMANCE_FLOAT32: return pool<float>(*call, average<float>);
    case CONFORMANCE_FLOAT64: return pool<double>(*call, average<double>);
    default: return CONFORMANCE_NOT_SUPPORTED;
  }
}

}  // namespace

CONFORMANCE_LIBRARY("strides")

CONFORMANCE_EXPORT std::int32_t conformance_max_pool1d(const conformance_call *call) { return max_pool(call); }
CONFORMANCE_EXPORT std::int32_t conformance_max_pool2d(const conformance_call *call) { return max_pool(call); }
CONFORMANCE_EXPORT std::int32_t conformance_max_pool3d(const conformance_call *call) { return max_pool(call); }
CONFORMANCE_EXPORT std::int32_t conformance_avg_pool2d(const conformance_call *call) { return avg_pool(call); }
