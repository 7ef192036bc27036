// The last error's text, per thread.
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

namespace quire {

static thread_local char last_error[512] = "";

int32_t fail(int32_t status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof(last_error), format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace quire

QUIRE_EXPORT const char* quire_last_error(void) { return quire::last_error; }
