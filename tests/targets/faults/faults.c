/* A right conv1d that goes wrong when the input has length 31, in the way that is chosen by -DNAME. */
#include <conformance.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

CONFORMANCE_LIBRARY("conv1d; float32; batch")

#if defined(SEGFAULT)
static void *volatile nowhere;
#elif defined(DIVISION)
static volatile int zero, one = 1;
#endif

#ifdef STACK_OVERFLOW
static int (*volatile again)(volatile char *);
static int deeper(volatile char *above) {
  volatile char here[4096];
  here[0] = above[0];
  return again(here) + here[0];
}
#endif

static void strike(void) {
#ifdef SEGFAULT
  *(volatile int *)nowhere = 1;
#endif
#ifdef ABORT
  fprintf(stderr, "assertion failed\n");
  abort();
#endif
#ifdef EXIT
  exit(4);
#endif
#ifdef STACK_OVERFLOW
  volatile char first[1] = {0};
  again = deeper;
  deeper(first);
#endif
#ifdef DIVISION
  zero = one / zero;
#endif
#ifdef HANG
  for (;;) pause();
#endif
#ifdef DOUBLE_FREE
  void *volatile p = malloc(100000);
  free(p);
  free(p);
#endif
}

CONFORMANCE_EXPORT int32_t conformance_conv1d(const conformance_call *call) {
  const conformance_problem *p = call->problem;
  const float *x = call->x->data, *w = call->w->data;
  float *y = call->result->data;
  if (p->input[0] == 31) strike();
  for (int64_t n = 0; n < p->batch; n++)
    for (int64_t o = 0; o < p->out_channels; o++)
      for (int64_t i = 0; i < p->output[0]; i++, y++) {
        *y = 0;
        for (int64_t c = 0; c < p->channels; c++)
          for (int64_t k = 0; k < p->kernel[0]; k++)
            *y += x[(n * p->channels + c) * p->input[0] + i + k] * w[(o * p->channels + c) * p->kernel[0] + k];
      }
  return CONFORMANCE_OK;
}
