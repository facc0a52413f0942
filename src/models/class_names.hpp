#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ablaze/model.hpp>

#include "base/json_fwd.hpp"

namespace ablaze::models {

/// The classes in a file of labels.
struct ClassNames {
  std::vector<std::string> labels;
  std::vector<std::string> synsets;  ///< their WordNet ids ("n01440764"); empty where the file has none
  std::string unordered;             ///< why the entries' order is not the classes' order; empty: it is
  std::vector<std::string> notes;    ///< what the reader decided
  std::string file;                  ///< for messages
};

/// Whether a word is a WordNet id of a noun: n and eight digits.
bool is_synset(std::string_view word);

/// Reads the classes from
/// - lines: a label each, also with an index, a WordNet id or both before it (synset_words.txt), or an index
///   behind it; a table with a header (label, index, wnid, ... separated by commas, semicolons or tabs);
/// - a JSON array of labels, or an object: {"0": "tench"}, {"0": ["n01440764", "tench"]}, {"tench": 0}, and
///   these inside another file's "id2label", "names", ...;
/// - the text of a Python list or dictionary; YAML's `names:`.
/// UTF-8, or UTF-16 with a byte order mark. Throws Error naming the file.
ClassNames parse_class_names(std::span<const std::byte> bytes, const std::string& file);
ClassNames read_class_names(const std::filesystem::path& file);
/// The same from a JSON value.
ClassNames class_names_in(const base::SortedJson& value, const std::string& file);

/// Throws Error where the entries' order is not the order of a network's classes.
void require_order(const ClassNames& names);
/// The same; also where a network of `classes` classes, in `model_file`, has another number of them.
void check_class_names(const ClassNames& names, std::int64_t classes, const std::string& model_file);

/// Gives the model's classes the WordNet ids of a file: by the labels' names, or by the order where it is the
/// classes' order. Throws Error where nothing fits.
void take_synsets(const ClassNames& names, Model& model);

}  // namespace ablaze::models
