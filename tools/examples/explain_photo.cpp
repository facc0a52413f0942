// Explains a photo's two best classes with the shipped model: explain_photo PHOTO
#include <exception>
#include <iostream>

#include <ablaze/ablaze.hpp>

namespace {

void explain_photo(const char* file) {
  // README: begin
  ablaze::Image photo = ablaze::Image::load(file);
  ablaze::ExplainOptions options;
  options.classes = {"top2"};
  ablaze::Explainer explainer(ablaze::load_model(ablaze::shipped_model()), options);
  for (const ablaze::Explanation& why : explainer.explain(photo)) {
    std::cout << why.target.label << ": " << why.target.probability << '\n';
    ablaze::overlay(photo, why.map, why.seen).save_png(why.target.label + ".png");
  }
  // README: end
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "Usage: explain_photo PHOTO\n";
    return 2;
  }
  try {
    explain_photo(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "explain_photo: " << error.what() << '\n';
    return 1;
  }
}
