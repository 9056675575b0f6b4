// The engine asked by many threads at once, as workers do: every case of the corpus in each, in another order, while
// the number of threads changes and somebody looks. Each gets the bits that it gets alone. For ThreadSanitizer above
// all.
#include <atomic>
#include <thread>

#include "test/fuzz/native/corpus.h"
#include "test/fuzz/native/judge.h"
#include "test/native/check.h"

using namespace cutloss::fuzz;

int main(int, char** arguments) {
  constexpr size_t kCallers = 4;
  const std::vector<Case> corpus = read_corpus(arguments[1]);
  std::vector<Outcome> alone;
  for (const Case& bytes : corpus) alone.push_back(judge(bytes.data(), bytes.size()));

  std::atomic<size_t> different{0}, done{0};
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (size_t i = 0; i < corpus.size(); ++i) {
        const size_t which = (i * (2 * caller + 1) + caller) % corpus.size();
        const Outcome outcome = judge(corpus[which].data(), corpus[which].size());
        if (outcome.code != alone[which].code || outcome.bits != alone[which].bits) ++different;
      }
      ++done;
    });
  }
  while (done < kCallers) {
    cutloss::DeviceInfo info;
    CHECK(cutloss::cpu_engine().describe(&info).ok() && info.threads >= 1);
    cutloss::cpu_engine().memory();
    std::this_thread::yield();
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(corpus.size() > 50);
  CHECK(different == 0);
  return cutloss::test::finish("callers");
}
