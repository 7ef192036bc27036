// What quire_open takes and refuses.
#ifndef QUIRE_CPU_CONFIG_H
#define QUIRE_CPU_CONFIG_H

#include <vector>

#include "context.h"

namespace quire {

// Every number is checked here once; QUIRE_OK, or why not.
int32_t check_config(const quire_config& config);

// The ropes of a checked configuration, with room for `max_tokens` tokens.
std::vector<Rope> copy_ropes(const quire_config& config);

}  // namespace quire

#endif  // QUIRE_CPU_CONFIG_H
