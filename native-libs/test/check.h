// A tiny test frame: TEST registers, CHECK counts, the runner prints `N passed, N failed`.
#ifndef QUIRE_TEST_CHECK_H
#define QUIRE_TEST_CHECK_H

#include <stdio.h>

#include <vector>

namespace check {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

}  // namespace check

#define TEST(name)                                             \
  static void name();                                          \
  static const check::Registration name##_entry(#name, &name); \
  static void name()

// On failure prints the place and the printf-style rest, and goes on.
#define CHECK(condition, ...)                                  \
  do {                                                         \
    if (!(condition)) {                                        \
      if (++check::failures() <= 20) {                         \
        printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
        printf(__VA_ARGS__);                                   \
        printf("\n");                                          \
      }                                                        \
    }                                                          \
  } while (0)

#endif  // QUIRE_TEST_CHECK_H
