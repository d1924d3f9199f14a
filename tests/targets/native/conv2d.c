/* A direct conv2d with both its gradients, in float32 and float64. All three passes make the same products, of an element
 * of the input, a weight and a place of the output, and differ in which of the three they add to. */
#include <conformance.h>
#include <string.h>

CONFORMANCE_LIBRARY(
    "conv2d conv2d_input_grad conv2d_weight_grad; float32 float64;"
    "stride padding asymmetric_padding crop dilation per_axis groups bias")

#define CONVOLVE(name, real)                                                                                        \
  static void name(const conformance_problem *p, const real *x, const real *w, const real *y, real *sum) {          \
    const int64_t C = p->channels / p->groups, O = p->out_channels / p->groups;                                     \
    const int64_t *in = p->input, *out = p->output, *kernel = p->kernel;                                            \
    for (int64_t n = 0; n < p->batch; n++)                                                                          \
      for (int64_t o = 0; o < p->out_channels; o++)                                                                 \
        for (int64_t i = 0; i < out[0]; i++)                                                                        \
          for (int64_t j = 0; j < out[1]; j++)                                                                      \
            for (int64_t c = 0; c < C; c++)                                                                         \
              for (int64_t k = 0; k < kernel[0]; k++)                                                               \
                for (int64_t l = 0; l < kernel[1]; l++) {                                                           \
                  const int64_t r = i * p->stride[0] + k * p->dilation[0] - p->pad_begin[0];                        \
                  const int64_t s = j * p->stride[1] + l * p->dilation[1] - p->pad_begin[1];                        \
                  if (r < 0 || r >= in[0] || s < 0 || s >= in[1]) continue;                                         \
                  const int64_t at_x = ((n * p->channels + o / O * C + c) * in[0] + r) * in[1] + s;                 \
                  const int64_t at_w = ((o * C + c) * kernel[0] + k) * kernel[1] + l;                               \
                  const int64_t at_y = ((n * p->out_channels + o) * out[0] + i) * out[1] + j;                       \
                  if (!y) sum[at_y] += x[at_x] * w[at_w];                                                           \
                  else if (!x) sum[at_x] += y[at_y] * w[at_w];                                                      \
                  else sum[at_w] += x[at_x] * y[at_y];                                                              \
                }                                                                                                   \
  }                                                                                                                 \
  static void name##_bias(const conformance_problem *p, const real *b, real *y) {                                   \
    const int64_t plane = p->output[0] * p->output[1];                                                              \
    for (int64_t i = 0; i < p->batch * p->out_channels * plane; i++) y[i] = b[i / plane % p->out_channels];         \
  }

CONVOLVE(convolve_f, float)
CONVOLVE(convolve_d, double)

static const void *data(const conformance_tensor *tensor) { return tensor ? tensor->data : 0; }

static int32_t run(const conformance_call *call) {
  const conformance_problem *p = call->problem;
  const void *x = data(call->x), *w = data(call->w), *b = data(call->b), *dy = data(call->dy);
  const conformance_tensor *result = call->result;
  int64_t elements = 1;
  for (int32_t axis = 0; axis < result->rank; axis++) elements *= result->shape[axis];
  switch (result->dtype) {
    case CONFORMANCE_FLOAT32:
      memset(result->data, 0, elements * sizeof(float));
      if (b) convolve_f_bias(p, b, result->data);
      convolve_f(p, x, w, dy, result->data);
      return CONFORMANCE_OK;
    case CONFORMANCE_FLOAT64:
      memset(result->data, 0, elements * sizeof(double));
      if (b) convolve_d_bias(p, b, result->data);
      convolve_d(p, x, w, dy, result->data);
      return CONFORMANCE_OK;
    default:
      return conformance_say(call, CONFORMANCE_NOT_SUPPORTED, "only float32 and float64");
  }
}

CONFORMANCE_EXPORT int32_t conformance_conv2d(const conformance_call *call) { return run(call); }
CONFORMANCE_EXPORT int32_t conformance_conv2d_input_grad(const conformance_call *call) { return run(call); }
CONFORMANCE_EXPORT int32_t conformance_conv2d_weight_grad(const conformance_call *call) { return run(call); }
