// The emulated tiles: what they compute against loops, and what the processor would refuse.
#define QUIRE_ISA amx_emulated
#define QUIRE_AMX_EMULATED

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "amx_sums.h"

using namespace fixture;
using quire::amx_emulated::TileConfig;

// Tiles 0 and 1: `rows` x `row_bytes`, and what multiplies them.
static TileConfig config_of(int rows, int row_bytes, int inner) {
  TileConfig config = {};
  config.palette = 1;
  const int shapes[3][2] = {{rows, row_bytes}, {rows, 4 * inner}, {inner, row_bytes}};
  for (int tile = 0; tile < 3; ++tile) {
    config.rows[tile] = static_cast<uint8_t>(shapes[tile][0]);
    config.row_bytes[tile] = static_cast<uint16_t>(shapes[tile][1]);
  }
  return config;
}

template <typename Left, typename Right>
static void check_product(Random& random, int rows, int width, int inner,
                          const std::function<void()>& multiply) {
  const TileConfig config = config_of(rows, 4 * width, inner);
  std::vector<uint8_t> left(static_cast<size_t>(rows * 80));
  std::vector<uint8_t> right(static_cast<size_t>(inner * 64));
  std::vector<int32_t> sums(static_cast<size_t>(rows * 16));
  for (uint8_t& value : left) value = static_cast<uint8_t>(random.next());
  for (uint8_t& value : right) value = static_cast<uint8_t>(random.next());
  for (int32_t& value : sums) value = static_cast<int32_t>(random.next());
  const std::vector<int32_t> before = sums;
  _tile_loadconfig(&config);
  _tile_loadd(0, sums.data(), 64);
  _tile_loadd(1, left.data(), 80);
  _tile_loadd(2, right.data(), 64);
  multiply();
  _tile_stored(0, sums.data(), 64);
  for (int m = 0; m < rows; ++m) {
    for (int n = 0; n < 16; ++n) {
      int64_t expected = before[static_cast<size_t>(m * 16 + n)];
      for (int k = 0; n < width && k < 4 * inner; ++k) {
        const Left a = static_cast<Left>(left[static_cast<size_t>(m * 80 + k)]);
        const Right b = static_cast<Right>(right[static_cast<size_t>(k / 4 * 64 + n * 4 + k % 4)]);
        expected += int64_t{a} * b;
      }
      const int32_t got = sums[static_cast<size_t>(m * 16 + n)];
      CHECK(got == static_cast<int32_t>(expected), "rows=%d, width=%d, inner=%d, m=%d, n=%d", rows,
            width, inner, m, n);
    }
  }
  _tile_release();
}

TEST(amxEmulation_everyProductAndShape_agreesWithLoops) {
  Random random{31};
  for (int rows : {1, 7, 16}) {
    for (int width : {1, 5, 16}) {
      for (int inner : {1, 4, 8, 16}) {
        check_product<int8_t, int8_t>(random, rows, width, inner, [] { _tile_dpbssd(0, 1, 2); });
        check_product<int8_t, uint8_t>(random, rows, width, inner, [] { _tile_dpbsud(0, 1, 2); });
        check_product<uint8_t, int8_t>(random, rows, width, inner, [] { _tile_dpbusd(0, 1, 2); });
        check_product<uint8_t, uint8_t>(random, rows, width, inner, [] { _tile_dpbuud(0, 1, 2); });
      }
    }
  }
}

// The instruction leaves nothing of what a tile held before.
TEST(amxEmulation_loadZeroAndConfig_clearTheTile) {
  std::vector<uint8_t> ones(1024, 1);
  std::vector<uint8_t> out(1024, 7);
  const TileConfig wide = config_of(16, 64, 16);
  _tile_loadconfig(&wide);
  _tile_loadd(0, ones.data(), 64);
  _tile_zero(0);
  _tile_stored(0, out.data(), 64);
  CHECK(out == std::vector<uint8_t>(1024, 0), "zero");
  _tile_loadd(0, ones.data(), 64);
  _tile_loadconfig(&wide);
  _tile_stored(0, out.data(), 64);
  CHECK(out == std::vector<uint8_t>(1024, 0), "config");
  _tile_release();
}

// What the processor refuses ends the process with one line; tried in a child.
static void check_faults(const char* what, const std::function<void()>& instructions) {
  int ends[2];
  CHECK(pipe(ends) == 0, "pipe");
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    instructions();
    _exit(0);
  }
  close(ends[1]);
  char line[200] = "";
  const ssize_t length = read(ends[0], line, sizeof(line) - 1);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "must abort: %s", what);
  CHECK(length > 0 && strstr(line, what) != nullptr, "got: %s, expected: %s", line, what);
}

static void check_config_faults(const char* what, const std::function<void(TileConfig&)>& damage) {
  check_faults(what, [&] {
    TileConfig config = config_of(16, 64, 8);
    damage(config);
    _tile_loadconfig(&config);
  });
}

TEST(amxEmulation_configThatTheProcessorRefuses_aborts) {
  check_config_faults("palette must be 0 or 1", [](TileConfig& c) { c.palette = 2; });
  check_config_faults("start row must be 0", [](TileConfig& c) { c.start_row = 1; });
  check_config_faults("reserved bytes must be 0", [](TileConfig& c) { c.reserved[13] = 1; });
  check_config_faults("row must be at most 64 bytes", [](TileConfig& c) { c.row_bytes[1] = 65; });
  check_config_faults("row must be at most 64 bytes", [](TileConfig& c) { c.row_bytes[1] = 256; });
  check_config_faults("rows must be at most 16", [](TileConfig& c) { c.rows[7] = 17; });
  check_config_faults("row must be at most 64 bytes of 8 tiles",
                      [](TileConfig& c) { c.row_bytes[8] = 4; });
  check_config_faults("rows must be at most 16 of 8 tiles", [](TileConfig& c) { c.rows[8] = 1; });
  check_config_faults("must both be 0 or not", [](TileConfig& c) { c.rows[1] = 0; });
}

TEST(amxEmulation_instructionThatTheProcessorRefuses_aborts) {
  uint8_t memory[1024] = {};
  const auto configured = [&](int rows, int row_bytes, int inner, TileConfig& config) {
    config = config_of(rows, row_bytes, inner);
    config.rows[3] = 3;
    config.row_bytes[3] = 10;
    _tile_loadconfig(&config);
  };
  TileConfig config;
  check_faults("tiles must be configured", [&] { _tile_zero(0); });
  check_faults("tiles must be configured", [&] {
    configured(16, 64, 8, config);
    _tile_release();
    _tile_loadd(0, memory, 64);
  });
  check_faults("tiles must be configured", [&] {
    configured(16, 64, 8, config);
    config.palette = 0;
    _tile_loadconfig(&config);
    _tile_stored(0, memory, 64);
  });
  check_faults("tile must be configured: tile=4", [&] {
    configured(16, 64, 8, config);
    _tile_zero(4);
  });
  check_faults("tile must be one of the palette: tile=8", [&] {
    configured(16, 64, 8, config);
    _tile_zero(8);
  });
  check_faults("tiles must differ", [&] {
    configured(16, 64, 16, config);
    _tile_dpbssd(0, 1, 1);
  });
  check_faults("row of sums must be whole int32s", [&] {
    configured(16, 64, 8, config);
    _tile_dpbssd(3, 1, 2);
  });
  check_faults("row must be whole groups of 4", [&] {
    configured(3, 64, 8, config);
    _tile_dpbssd(0, 3, 2);
  });
  check_faults("left tile must be as high as the sums", [&] {
    config = config_of(16, 64, 8);
    config.rows[1] = 15;
    _tile_loadconfig(&config);
    _tile_dpbssd(0, 1, 2);
  });
  check_faults("right tile must be as wide as the sums", [&] {
    config = config_of(16, 64, 8);
    config.row_bytes[2] = 60;
    _tile_loadconfig(&config);
    _tile_dpbssd(0, 1, 2);
  });
  check_faults("right tile must have a row for each 4 of the left", [&] {
    config = config_of(16, 64, 8);
    config.rows[2] = 7;
    _tile_loadconfig(&config);
    _tile_dpbssd(0, 1, 2);
  });
}

TEST(amxTile_emulated_sumsAsLoops) { quire::amx_emulated::check_all_tile_sums(); }
