// Which product it is: by the weight's type and the number of tokens.
#include "matmul.h"

namespace quire::QUIRE_ISA {

void matmul(const Weight& weight, const Activations& in, int64_t tokens, int64_t tile_begin,
            int64_t tile_end, const Products& to) {
  const QuantFormat format = format_of(weight.type);
  const auto product = format.low_bits == 0            ? matmul_float
                       : tokens < panel_tokens(format) ? matmul_few
                                                       : matmul_panel;
  product(weight, in, tokens, tile_begin, tile_end, to);
}

}  // namespace quire::QUIRE_ISA
