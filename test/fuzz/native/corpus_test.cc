// Every case of the corpus on every level of the CPU, and what they are worth: each operation is answered and is
// refused by some of them.
#include <map>
#include <string>

#include "test/fuzz/native/corpus.h"
#include "test/fuzz/native/judge.h"
#include "test/native/check.h"

using namespace cutloss::fuzz;

int main(int, char** arguments) {
  struct Count {
    int answered, refused;
  };
  std::map<std::string, Count> counts;
  const std::vector<Case> corpus = read_corpus(arguments[1]);
  CHECK(corpus.size() > 50);
  const char* levels[8];
  for (int level = cutloss::simd_levels(levels) - 1; level >= 0; --level) {
    CHECK(cutloss::set_simd(levels[level]).ok());
    for (const Case& bytes : corpus) {
      const Outcome outcome = judge(bytes.data(), bytes.size());
      Count& count = counts[outcome.operation];
      ++(outcome.code == cutloss::Code::kOk ? count.answered : count.refused);
    }
  }
  CHECK(counts.size() == std::variant_size_v<cutloss::Request>);
  for (const auto& [name, count] : counts) {
    std::printf("%-16s %d answered, %d refused\n", name.c_str(), count.answered, count.refused);
    CHECK(count.answered > 3 && count.refused > 3);
  }
  return cutloss::test::finish("corpus");
}
