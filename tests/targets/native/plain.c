#include <conformance.h>

CONFORMANCE_LIBRARY("conv2d; float32; stride padding asymmetric_padding per_axis bias")

CONFORMANCE_EXPORT int32_t conformance_conv2d(const conformance_call *call) {
  const conformance_problem *p = call->problem;
  const float *x = call->x->data, *w = call->w->data, *b = call->b ? call->b->data : 0;
  float *y = call->result->data;
  for (int64_t n = 0; n < p->batch; n++)
    for (int64_t o = 0; o < p->out_channels; o++)
      for (int64_t i = 0; i < p->output[0]; i++)
        for (int64_t j = 0; j < p->output[1]; j++, y++) {
          *y = b ? b[o] : 0;
          for (int64_t c = 0; c < p->channels; c++)
            for (int64_t k = 0; k < p->kernel[0]; k++)
              for (int64_t l = 0; l < p->kernel[1]; l++) {
                int64_t r = i * p->stride[0] + k - p->pad_begin[0], s = j * p->stride[1] + l - p->pad_begin[1];
                if (r >= 0 && r < p->input[0] && s >= 0 && s < p->input[1])
                  *y += x[((n * p->channels + c) * p->input[0] + r) * p->input[1] + s] *
                        w[((o * p->channels + c) * p->kernel[0] + k) * p->kernel[1] + l];
              }
        }
  return CONFORMANCE_OK;
}
