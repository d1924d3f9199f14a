/* The C interface of conv-conformance, version 1.0: what a shared library exports to be checked by
 *
 *     conformance check ./libconv.so
 *
 * A library says once which version it was built for and what it claims, and exports one function for each operator,
 * with the operator's name behind "conformance_":
 *
 *     CONFORMANCE_LIBRARY("conv2d; float32; stride padding")
 *     CONFORMANCE_EXPORT int32_t conformance_conv2d(const conformance_call *call) { ... return CONFORMANCE_OK; }
 *
 * Operators are conv, conv_transpose, conv_integer, max_pool, avg_pool, lp_pool, adaptive_max_pool, adaptive_avg_pool and
 * max_unpool, each with 1d, 2d or 3d behind it; gradients are operators of their own: conv2d_input_grad,
 * conv2d_weight_grad, conv2d_bias_grad, conv2d_double_grad. docs/native.md explains it all and has examples.
 *
 * How it grows: structs only ever get new fields at their end, and "size" says how many bytes of them the caller has
 * filled (see CONFORMANCE_HAS); constants keep their numbers. What breaks that is a new major version, which older
 * libraries are told by the harness when it loads them.
 *
 * Licence: Apache-2.0. C99 or later, C++11 or later; needs nothing but <stddef.h> and <stdint.h>.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stddef.h>
#include <stdint.h>

#define CONFORMANCE_ABI_MAJOR 1u
#define CONFORMANCE_ABI_MINOR 0u
#define CONFORMANCE_ABI (CONFORMANCE_ABI_MAJOR << 16 | CONFORMANCE_ABI_MINOR)

/* In front of every function that the library exports, also where it is compiled with -fvisibility=hidden. */
#if defined(_WIN32)
#define CONFORMANCE_VISIBLE __declspec(dllexport)
#elif defined(__GNUC__)
#define CONFORMANCE_VISIBLE __attribute__((visibility("default")))
#else
#define CONFORMANCE_VISIBLE
#endif
#ifdef __cplusplus
#define CONFORMANCE_EXPORT extern "C" CONFORMANCE_VISIBLE
#else
#define CONFORMANCE_EXPORT CONFORMANCE_VISIBLE
#endif

/* What a function returns. Behind any but the first the result's tensors do not matter. */
enum {
  CONFORMANCE_OK = 0,
  CONFORMANCE_NOT_SUPPORTED = 1, /* a valid problem that this library does not do: the case is skipped and counted */
  CONFORMANCE_INVALID = 2,       /* a problem that has no meaning */
  CONFORMANCE_OUT_OF_MEMORY = 3,
  CONFORMANCE_FAILED = 4         /* anything else that went wrong */
};

/* conformance_problem.family */
enum {
  CONFORMANCE_CONV = 1,
  CONFORMANCE_CONV_TRANSPOSE = 2,
  CONFORMANCE_CONV_INTEGER = 3,
  CONFORMANCE_MAX_POOL = 4,
  CONFORMANCE_AVG_POOL = 5,
  CONFORMANCE_LP_POOL = 6,
  CONFORMANCE_ADAPTIVE_MAX_POOL = 7,
  CONFORMANCE_ADAPTIVE_AVG_POOL = 8,
  CONFORMANCE_MAX_UNPOOL = 9
};

/* conformance_problem.pass */
enum {
  CONFORMANCE_FORWARD = 1,
  CONFORMANCE_INPUT_GRAD = 2,
  CONFORMANCE_WEIGHT_GRAD = 3,
  CONFORMANCE_BIAS_GRAD = 4,
  CONFORMANCE_DOUBLE_GRAD = 5
};

/* conformance_tensor.dtype; complex numbers are pairs (real, imaginary) */
enum {
  CONFORMANCE_FLOAT64 = 1,
  CONFORMANCE_FLOAT32 = 2,
  CONFORMANCE_FLOAT16 = 3,
  CONFORMANCE_BFLOAT16 = 4,
  CONFORMANCE_COMPLEX128 = 5,
  CONFORMANCE_COMPLEX64 = 6,
  CONFORMANCE_INT64 = 7,
  CONFORMANCE_INT32 = 8,
  CONFORMANCE_INT8 = 9,
  CONFORMANCE_UINT8 = 10
};

/* conformance_problem.pad_mode: what the padding holds */
enum { CONFORMANCE_ZEROS = 0, CONFORMANCE_REFLECT = 1, CONFORMANCE_REPLICATE = 2, CONFORMANCE_CIRCULAR = 3 };

/* conformance_problem.pad_rule: how the padding was asked for; pad_begin and pad_end hold what it comes to */
enum {
  CONFORMANCE_EXPLICIT = 0,
  CONFORMANCE_VALID = 1,
  CONFORMANCE_SAME = 2,
  CONFORMANCE_SAME_UPPER = 3,
  CONFORMANCE_SAME_LOWER = 4
};

enum { CONFORMANCE_MAX_NDIM = 3, CONFORMANCE_MAX_RANK = 8 };

/* What is asked for. Arrays have one entry for each spatial axis, the first axis first; entries of axes that there are
 * not are neutral (sizes, kernel, stride and dilation 1, paddings 0), so that loops over three axes serve all. */
typedef struct conformance_problem {
  uint32_t size;        /* of this struct, in bytes, as the caller knows it */
  int32_t family;       /* CONFORMANCE_CONV, ... */
  int32_t pass;         /* CONFORMANCE_FORWARD, ... */
  int32_t ndim;         /* spatial axes: 1, 2 or 3 */
  int64_t batch;
  int64_t channels;     /* of the input */
  int64_t out_channels; /* of the output; of pooling those of the input */
  int64_t groups;
  int64_t input[CONFORMANCE_MAX_NDIM];  /* sizes of the forward pass's input x */
  int64_t output[CONFORMANCE_MAX_NDIM]; /* and of its output y, which an adaptive pooling is asked for by these alone */
  int64_t kernel[CONFORMANCE_MAX_NDIM];
  int64_t stride[CONFORMANCE_MAX_NDIM];
  int64_t dilation[CONFORMANCE_MAX_NDIM];
  int64_t pad_begin[CONFORMANCE_MAX_NDIM]; /* before the first element; negative padding crops */
  int64_t pad_end[CONFORMANCE_MAX_NDIM];   /* behind the last */
  int64_t output_padding[CONFORMANCE_MAX_NDIM]; /* of a transposed convolution */
  int64_t divisor;           /* of an average, where has_divisor */
  double norm;               /* the p of a p-norm; may be infinite */
  int32_t pad_mode;          /* CONFORMANCE_ZEROS, ... */
  int32_t pad_rule;          /* CONFORMANCE_EXPLICIT, ... */
  int32_t ceil;              /* whether windows may hang over the end; output already has what follows from it */
  int32_t count_include_pad; /* whether an average counts the padding */
  int32_t has_divisor;
  int32_t unbatched;         /* whether the tensors have no batch axis; batch is 1 then */
} conformance_problem;

/* A tensor. Entries behind its rank are neutral: shape 1, stride 0. The data is aligned to its element's size, no more. */
typedef struct conformance_tensor {
  uint32_t size; /* of this struct, in bytes */
  int32_t dtype; /* CONFORMANCE_FLOAT32, ... */
  int32_t rank;
  int32_t reserved;
  void *data;                           /* the element at [0, 0, ...]; never to be written to but in the result */
  int64_t shape[CONFORMANCE_MAX_RANK];  /* input (batch, channels, sizes), weight (out_channels, channels / groups, kernel) */
  int64_t stride[CONFORMANCE_MAX_RANK]; /* bytes from one element to the next along an axis. Inputs are contiguous, unless
                                           the library claims "strides": then it may be anything, 0 and negative too */
} conformance_tensor;

/* One call. Tensors that the operator's pass does not have are NULL. */
typedef struct conformance_call {
  uint32_t size;         /* of this struct, in bytes */
  uint32_t message_size; /* bytes that message has room for, the closing zero counted */
  char *message;         /* where to say what is wrong, see conformance_say */
  const conformance_problem *problem;
  const conformance_tensor *x;       /* input */
  const conformance_tensor *w;       /* weight; of a transposed convolution (channels, out_channels / groups, kernel) */
  const conformance_tensor *b;       /* bias, (out_channels), or NULL */
  const conformance_tensor *dy;      /* gradient to the output: in input_grad, weight_grad and bias_grad */
  const conformance_tensor *ddx;     /* gradient to an input gradient: in double_grad */
  const conformance_tensor *indices; /* int64, flat in a plane of the output: of max_unpool */
  const conformance_tensor *x_zero;  /* zero points of conv_integer: a scalar of the input, */
  const conformance_tensor *w_zero;  /*   one of the weights for each output channel */
  const conformance_tensor *scale;   /*   and, where the result is scaled to 8 bits again, float32 for each output channel */
  const conformance_tensor *y_zero;  /*   and the zero point of the result */
  const conformance_tensor *result;         /* contiguous, of the harness's memory, to be written wholly: y, dx, dw or db */
  const conformance_tensor *result_indices; /* int64, flat in a plane of the input: where a max pooling is asked for them */
  void *workspace;                          /* of as many bytes as conformance_workspace asked for, aligned to 64 */
  uint64_t workspace_size;
} conformance_call;

/* Whether the caller filled a field that is newer than version 1.0: CONFORMANCE_HAS(call->problem, newer_field). */
#define CONFORMANCE_HAS(pointer, field) \
  ((const char *)(&(pointer)->field + 1) - (const char *)(pointer) <= (ptrdiff_t)(pointer)->size)

/* Every library exports these two; CONFORMANCE_LIBRARY writes them. Claims are lines of words, perhaps empty or NULL:
 * operators, data types, options and accuracy, such as "conv2d conv2d_input_grad; float32 float64; stride groups bias".
 * What does not say its data types, or no option, is asked for all of them and says CONFORMANCE_NOT_SUPPORTED. */
CONFORMANCE_EXPORT uint32_t conformance_abi(void);
CONFORMANCE_EXPORT const char *conformance_claims(void);

#define CONFORMANCE_LIBRARY(claims)                                              \
  CONFORMANCE_EXPORT uint32_t conformance_abi(void) { return CONFORMANCE_ABI; } \
  CONFORMANCE_EXPORT const char *conformance_claims(void) { return (claims); }

/* May be exported: how many bytes of workspace a call needs, 0 for none. Asked before the call, which alone is timed;
 * the tensors have their shapes and addresses, but their numbers are not to be read. */
CONFORMANCE_EXPORT uint64_t conformance_workspace(const conformance_call *call);

/* What an operator's function is. It may be called from several threads at once, and must not throw. */
typedef int32_t conformance_function(const conformance_call *call);

/* Says what is wrong: return conformance_say(call, CONFORMANCE_INVALID, "the stride is 0"); */
static inline int32_t conformance_say(const conformance_call *call, int32_t status, const char *text) {
  uint32_t i = 0;
  for (; i + 1 < call->message_size && text[i]; i++) call->message[i] = text[i];
  if (call->message_size) call->message[i] = 0;
  return status;
}

#endif
