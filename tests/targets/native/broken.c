/* Libraries that are broken in one way each, chosen by -DNAME: what must be told in words, or found. */
#include <conformance.h>

#ifndef WRONG_ABI
#ifndef NO_VERSION
CONFORMANCE_LIBRARY(CLAIMS)
#endif
#else
CONFORMANCE_EXPORT uint32_t conformance_abi(void) { return 7u << 16 | 3u; }
#endif

#ifdef MISSPELT
#define conformance_conv2d conformance_conv_2d
#endif
#ifdef NOT_EXPORTED
__attribute__((visibility("hidden"))) int32_t conformance_conv2d(const conformance_call *call);
#undef CONFORMANCE_EXPORT
#define CONFORMANCE_EXPORT
#endif

#ifdef GREEDY
CONFORMANCE_EXPORT uint64_t conformance_workspace(const conformance_call *call) { return (uint64_t)(call != 0) << 62; }
#endif

CONFORMANCE_EXPORT int32_t conformance_conv2d(const conformance_call *call) {
  float *y = call->result->data;
  int64_t count = 1;
  for (int32_t axis = 0; axis < call->result->rank; axis++) count *= call->result->shape[axis];
#ifdef SEGFAULT
  *(volatile int *)8 = 1;
#endif
#ifdef WRITES_BEHIND
  y[count] = 0;
#endif
#ifdef WRITES_BEFORE
  y[-3] = 0;
#endif
#ifdef LONG_MESSAGE
  for (int i = 0; i < 270; i++) call->message[i] = 'a';
#endif
#ifdef REPORTS
  return conformance_say(call, CONFORMANCE_FAILED, "the accelerator is on fire");
#endif
#ifdef OUT_OF_MEMORY
  return CONFORMANCE_OUT_OF_MEMORY;
#endif
#ifdef REFUSES
  return conformance_say(call, CONFORMANCE_NOT_SUPPORTED, "never");
#endif
#ifdef UNKNOWN_STATUS
  return -7;
#endif
#ifdef NEEDS_MISSING
  extern float nowhere_defined(void);
  y[0] = nowhere_defined();
#endif
  for (int64_t i = 0; i < count; i++) y[i] = 0;
  return CONFORMANCE_OK;
}
