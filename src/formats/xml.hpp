#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ablaze::formats {

/// An element of an XML document: its name, its direct text (trimmed) and its child elements. Attributes are
/// ignored.
struct XmlElement {
  std::string name, text;
  std::vector<XmlElement> children;

  /// The first child named `wanted`, or nullptr.
  const XmlElement* child(std::string_view wanted) const;
  /// The text of the first child named `wanted`; empty where there is none.
  std::string_view text_of(std::string_view wanted) const;
};

/// Reads the XML of annotation files: elements, attributes, text, comments, CDATA, processing instructions,
/// the five named entities and numeric ones. Refuses other entities and document types, so that no file
/// expands or references another; elements nest at most 64 deep. Throws Error naming the file and the line.
XmlElement read_xml(std::string_view text, const std::string& file);

}  // namespace ablaze::formats
