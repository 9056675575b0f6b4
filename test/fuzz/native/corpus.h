// The cases that are kept: a line of hexadecimal digits each.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace cutloss::fuzz {

using Case = std::vector<uint8_t>;

inline std::vector<Case> read_corpus(const char* path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    Case bytes;
    for (size_t i = 0; i + 1 < line.size(); i += 2) bytes.push_back(uint8_t(std::stoi(line.substr(i, 2), nullptr, 16)));
    cases.push_back(bytes);
  }
  return cases;
}

}  // namespace cutloss::fuzz
