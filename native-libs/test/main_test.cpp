// Runs all registered tests, or those whose name contains the first argument.
#include <string.h>

#include "check.h"

int main(int count, char** arguments) {
  int passed = 0;
  int failed = 0;
  for (const check::Test& test : check::tests()) {
    if (count > 1 && strstr(test.name, arguments[1]) == nullptr) continue;
    check::failures() = 0;
    test.run();
    if (check::failures() == 0) {
      ++passed;
    } else {
      ++failed;
      printf("FAILED %s: %d checks\n", test.name, check::failures());
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
