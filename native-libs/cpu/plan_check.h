// Checks of a step's plan, before anything is written.
#ifndef QUIRE_CPU_PLAN_CHECK_H
#define QUIRE_CPU_PLAN_CHECK_H

#include "context.h"

namespace quire {

// Sequences, positions and block tables.
int32_t check_tables(const quire_context& context, const quire_plan& plan);
// Token ids and slots.
int32_t check_tokens(const quire_context& context, const quire_plan& plan);
// Logit rows (`logit_row` only in a step) and sampling.
int32_t check_rows(const quire_context& context, const quire_plan& plan, bool in_step);

}  // namespace quire

#endif  // QUIRE_CPU_PLAN_CHECK_H
