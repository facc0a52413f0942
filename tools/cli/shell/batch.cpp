#include "cli/shell/batch.hpp"

#include <new>

#include <ablaze/error.hpp>

#include "cli/shell/output.hpp"

namespace ablaze::cli {

int work_through(const FoundInputs& found, ProgressBar& bar, const std::function<void(std::size_t)>& work) {
  Failures failures = found.failures;
  for (std::size_t i = 0; i < found.inputs.size(); ++i) {
    bar.begin(i);
    try {
      work(i);
    } catch (const UsageError&) {
      throw;
    } catch (const Error& error) {
      failures.push_back(naming(found.inputs[i].file, error.what()));
    } catch (const std::bad_alloc&) {
      failures.push_back(naming(found.inputs[i].file, "not enough memory for this input"));
    }
  }
  bar.clear();
  return report_failures(failures, found.inputs.size() + found.failures.size());
}

}  // namespace ablaze::cli
