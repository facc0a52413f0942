#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ablaze::formats {

/// An element of an XML document: its name, the text directly in it (trimmed), the elements in it. Attributes
/// are passed over.
struct XmlElement {
  std::string name, text;
  std::vector<XmlElement> children;

  /// The first child of this name, or nullptr.
  const XmlElement* child(std::string_view wanted) const;
  /// Its text; empty where there is no such child.
  std::string_view text_of(std::string_view wanted) const;
};

/// Reads what annotation files are made of: elements, attributes, text, comments, CDATA, processing
/// instructions, the five named entities and numeric ones. Other entities and document types are refused, so
/// that no file expands or reaches for another; elements nest at most 64 deep. Throws Error naming the file
/// and the line.
XmlElement read_xml(std::string_view text, const std::string& file);

}  // namespace ablaze::formats
