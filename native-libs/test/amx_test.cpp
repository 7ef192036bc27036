// The processor's own tiles, where it has them; this file alone is compiled with AMX.
#define QUIRE_ISA amx

#include "amx_sums.h"

TEST(amxTile_onAProcessorWithTiles_sumsAsLoops) {
  if (quire_isa(QUIRE_ISA_AMX) == QUIRE_ISA_AMX) quire::amx::check_all_tile_sums();
}
