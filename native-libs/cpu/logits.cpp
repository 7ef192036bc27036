// logits[R] = output head * norm(x) of the rows; parallel over row tiles.
#include "fused.h"
#include "project.h"
#include "weight_layout.h"

namespace quire {

void logits(quire_context& context) {
  const Weight& head = context.bound.output_head;
  const int64_t rows = context.plan->rows;
  const Input input = {context.x.get(), head.cols, context.plan->logit_row,
                       context.bound.output_norm};
  project(context, input, is_quantised(head.type), rows, row_tiles(head.rows),
          [&](const Activations& in, Range tiles) {
            context.kernels->matmul(head, in, rows, tiles.begin, tiles.end,
                                    {context.logits.get(), head.rows, false});
          });
}

}  // namespace quire
