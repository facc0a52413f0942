#include "image/libjpeg.hpp"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs its FILE
#include <limits>
#include <new>
#include <type_traits>

#include <jerror.h>
#include <jpeglib.h>

#include <ablaze/error.hpp>

namespace ablaze::image {
namespace {

/// Why a decode was given up.
enum class Stop { none, error, data_end, scans };

/// All that one decode needs. libjpeg reports errors by a longjmp out of its callbacks, so everything that
/// such a jump leaves behind must be trivial: this struct, and the locals of the functions with a setjmp.
struct Decode {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg_source_mgr source;
  jpeg_progress_mgr progress;
  std::jmp_buf jump;
  Stop stop;
  bool data_ended;                ///< the decoder asked for more bytes than there are
  std::size_t size, read;         ///< bytes of the file; those in front of the next row or marker
  int components;                 ///< the decoder's own number and mode change with a second frame header,
  bool progressive;               ///< before it complains of it
  unsigned components_seen;       ///< a bit for each component that a scan holds
  unsigned long stray_bytes;      ///< between segments
  int warnings;                   ///< of damage inside the data
  JDIMENSION first_damaged;       ///< row
  char message[JMSG_LENGTH_MAX];  ///< of the error, else of the first warning
};
static_assert(std::is_trivially_destructible_v<Decode> && std::is_trivially_copyable_v<Decode>);

Decode& decode_of(j_common_ptr jpeg) { return *static_cast<Decode*>(jpeg->client_data); }

[[noreturn]] void give_up(Decode& decode, Stop why) {
  decode.stop = why;
  std::longjmp(decode.jump, 1);
}

/// The first row whose data have not been read.
JDIMENSION row_of(const jpeg_decompress_struct& jpeg) {
  const unsigned rows = jpeg.input_iMCU_row * static_cast<unsigned>(jpeg.max_v_samp_factor) * DCTSIZE;
  return std::min(rows, jpeg.image_height);
}

/// Restarts with a number out of order, or in the middle of a block, are damage that the decoder overcomes;
/// any other marker where data should be means that the rest is missing.
bool is_restart(int marker) { return marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7; }

constexpr JOCTET kEndMarker[2] = {0xFF, JPEG_EOI};

extern "C" {

static void on_error(j_common_ptr jpeg) {
  Decode& decode = decode_of(jpeg);
  (*jpeg->err->format_message)(jpeg, decode.message);
  give_up(decode, Stop::error);
}

static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;  // a trace
  Decode& decode = decode_of(jpeg);
  switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
      decode.stray_bytes += static_cast<unsigned>(std::max(0, jpeg->err->msg_parm.i[0]));
      return;
    case JWRN_HIT_MARKER:
      if (!is_restart(decode.jpeg.unread_marker)) give_up(decode, Stop::data_end);
      break;
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
      return;  // an unusual header
    default:
      break;
  }
  if (decode.warnings++ > 0) return;
  // A scan out of order is one for all rows.
  const bool whole_scan = jpeg->err->msg_code == JWRN_BOGUS_PROGRESSION;
  decode.first_damaged = whole_scan ? 0 : row_of(decode.jpeg);
  (*jpeg->err->format_message)(jpeg, decode.message);
}

static void print_nothing(j_common_ptr) {}

static void on_progress(j_common_ptr jpeg) {
  Decode& decode = decode_of(jpeg);
  if (decode.jpeg.input_scan_number > kMaxScans) give_up(decode, Stop::scans);
  if (!decode.data_ended) {
    const std::size_t read = decode.size - decode.source.bytes_in_buffer;
    decode.read = decode.jpeg.unread_marker != 0 ? read - 2 : read;
  }
  for (int i = 0; i < decode.jpeg.comps_in_scan; ++i)
    decode.components_seen |= 1U << decode.jpeg.cur_comp_info[i]->component_index;
}

static void begin_source(j_decompress_ptr) {}

/// The data have ended: an end-of-image marker lets the decoder finish with what it has.
static boolean fill_source(j_decompress_ptr jpeg) {
  Decode& decode = decode_of(reinterpret_cast<j_common_ptr>(jpeg));
  decode.data_ended = true;
  decode.source.next_input_byte = kEndMarker;
  decode.source.bytes_in_buffer = sizeof kEndMarker;
  return TRUE;
}

static void skip_source(j_decompress_ptr jpeg, long count) {
  jpeg_source_mgr& source = *jpeg->src;
  if (count <= 0) return;
  if (static_cast<unsigned long>(count) > source.bytes_in_buffer) {
    fill_source(jpeg);
    return;
  }
  source.next_input_byte += count;
  source.bytes_in_buffer -= static_cast<std::size_t>(count);
}

static void end_source(j_decompress_ptr) {}

}  // extern "C"

// The steps of a decode. Each returns false where it was given up; `decode.stop` tells why. They have no
// locals that change after setjmp, and none with a destructor.

bool open(Decode& decode, const std::byte* bytes, std::size_t size, long memory_limit) {
  decode.jpeg.err = jpeg_std_error(&decode.errors);
  decode.errors.error_exit = on_error;
  decode.errors.emit_message = on_message;
  decode.errors.output_message = print_nothing;
  decode.jpeg.client_data = &decode;
  if (setjmp(decode.jump) != 0) return false;
  jpeg_create_decompress(&decode.jpeg);
  decode.jpeg.mem->max_memory_to_use = memory_limit;
  decode.source.init_source = begin_source;
  decode.source.fill_input_buffer = fill_source;
  decode.source.skip_input_data = skip_source;
  decode.source.resync_to_restart = jpeg_resync_to_restart;
  decode.source.term_source = end_source;
  decode.source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes);
  decode.source.bytes_in_buffer = decode.size = size;
  decode.jpeg.src = &decode.source;
  decode.progress.progress_monitor = on_progress;
  decode.jpeg.progress = &decode.progress;
  jpeg_read_header(&decode.jpeg, TRUE);
  decode.components = decode.jpeg.num_components;
  decode.progressive = decode.jpeg.progressive_mode != FALSE;
  return true;
}

/// For files of several scans, decodes them all.
bool start(Decode& decode) {
  if (setjmp(decode.jump) != 0) return false;
  decode.jpeg.out_color_space = decode.jpeg.num_components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&decode.jpeg);
  return true;
}

/// Pillow's product of two bytes as fractions of 255.
unsigned times(unsigned a, unsigned b) {
  const unsigned product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// Pillow's conversion. It takes all CMYK of a JPEG as inverted, as Adobe's programs write it.
void rgb_from_inverted_cmyk(const JSAMPLE* cmyk, std::uint8_t* rgb, JDIMENSION width) {
  for (JDIMENSION x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned white = cmyk[3];
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>(white - times(255U - cmyk[c], white));
  }
}

bool read_rows(Decode& decode, std::uint8_t* rgb) {
  if (setjmp(decode.jump) != 0) return false;
  jpeg_decompress_struct& jpeg = decode.jpeg;
  const std::size_t stride = std::size_t{3} * jpeg.output_width;
  // In the decoder's own memory, which it frees itself.
  const JSAMPARRAY cmyk = jpeg.out_color_space == JCS_CMYK
                              ? (*jpeg.mem->alloc_sarray)(reinterpret_cast<j_common_ptr>(&jpeg), JPOOL_IMAGE,
                                                          4 * jpeg.output_width, 1)
                              : nullptr;
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = rgb + jpeg.output_scanline * stride;
    jpeg_read_scanlines(&jpeg, cmyk != nullptr ? cmyk : &row, 1);
    if (cmyk != nullptr) rgb_from_inverted_cmyk(cmyk[0], row, jpeg.output_width);
  }
  return true;
}

/// Reads on to the end-of-image marker.
bool finish(Decode& decode) {
  if (setjmp(decode.jump) != 0) return false;
  jpeg_finish_decompress(&decode.jpeg);
  return true;
}

class LibjpegDecode {
 public:
  LibjpegDecode(std::span<const std::byte> file, const Header& header, const std::string& name)
      : file_(file), header_(header), name_(name) {}
  ~LibjpegDecode() { jpeg_destroy_decompress(&decode_.jpeg); }
  LibjpegDecode(const LibjpegDecode&) = delete;
  LibjpegDecode& operator=(const LibjpegDecode&) = delete;

  Image run(std::uint64_t memory_limit, Notes& notes) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<long>::max());
    if (!open(decode_, file_.data(), file_.size(), static_cast<long>(std::min(memory_limit, most)))) fail();
    check_header();
    if (!start(decode_)) {
      if (may_end_here()) return without_rest(memory_limit, notes);
      fail();
    }
    check_scans();
    Image image(static_cast<int>(header_.width), static_cast<int>(header_.height));
    if (!read_rows(decode_, image.pixels().data())) fail();
    const bool whole = finish(decode_);  // all rows are there; only the end can be odd
    note_damage(notes);
    note_end(whole, notes);
    return image;
  }

 private:
  [[noreturn]] void fail() const {
    const jpeg_decompress_struct& jpeg = decode_.jpeg;
    const int code = jpeg.err->msg_code;
    if (decode_.stop == Stop::error && code == JERR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (decode_.stop == Stop::error && code == JERR_NO_BACKING_STORE) {
      throw Error(name_ + ": decoding it needs far more memory than " + size() +
                  " pixels should; the file is damaged or hostile");
    }
    if (decode_.stop == Stop::scans) {
      throw Error(name_ + ": a JPEG of more than " + std::to_string(kMaxScans) + " scans; save it again");
    }
    if (decode_.stop == Stop::data_end) fail_truncated();
    throw Error(name_ + ": damaged JPEG: " + std::string(decode_.message) + " (" + libjpeg_name() + ")");
  }

  [[noreturn]] void fail_truncated() const {
    const jpeg_decompress_struct& jpeg = decode_.jpeg;
    std::string where =
        "ends at row " + std::to_string(row_of(jpeg)) + " of " + std::to_string(header_.height);
    if (jpeg.input_scan_number > 1) where += " of its scan " + std::to_string(jpeg.input_scan_number);
    throw Error(name_ + ": truncated JPEG: its image data " + where + "; get the whole file");
  }

  /// Whether all scans were read before an error in what follows them.
  bool may_end_here() const {
    return decode_.stop == Stop::error && decode_.read < file_.size() && decode_.jpeg.input_scan_number > 1 &&
           all_components_seen() && is_refined();
  }

  /// Decodes only what stands before the error. A decode that was given up cannot go on, so it begins again.
  Image without_rest(std::uint64_t memory_limit, Notes& notes) const {
    const auto before = file_.first(decode_.read);
    Image image = LibjpegDecode(before, header_, name_).run(memory_limit, notes);
    note_error_behind(notes);
    return image;
  }

  std::string size() const { return std::to_string(header_.width) + "x" + std::to_string(header_.height); }

  void check_header() const {
    if (decode_.jpeg.image_width != header_.width || decode_.jpeg.image_height != header_.height)
      throw Error(name_ + ": damaged JPEG: two readings of its header differ");
  }

  /// Of a file with several scans all have been decoded. That an end-of-image marker came in time does not
  /// mean that they were all.
  void check_scans() const {
    const jpeg_decompress_struct& jpeg = decode_.jpeg;
    if (!jpeg_has_multiple_scans(const_cast<j_decompress_ptr>(&jpeg))) return;
    if (!all_components_seen())
      fail_missing("any of one of its " + std::to_string(jpeg.num_components) + " components");
    if (decode_.data_ended && !is_refined()) fail_missing("its details");
  }

  [[noreturn]] void fail_missing(const std::string& what) const {
    throw Error(name_ + ": truncated JPEG: it ends after " + std::to_string(decode_.jpeg.input_scan_number) +
                " scans, before " + what + "; get the whole file");
  }

  bool all_components_seen() const {
    for (int i = 0; i < decode_.components; ++i) {
      const bool seen =
          decode_.progressive ? decode_.jpeg.coef_bits[i][0] >= 0 : (decode_.components_seen >> i & 1) != 0;
      if (!seen) return false;
    }
    return true;
  }

  /// Whether all coefficients were given to the last bit.
  bool is_refined() const {
    for (int i = 0; decode_.progressive && i < decode_.components; ++i) {
      const auto& bits = decode_.jpeg.coef_bits[i];
      if (std::any_of(bits, bits + DCTSIZE2, [](int missing) { return missing != 0; })) return false;
    }
    return true;
  }

  void note_damage(Notes& notes) const {
    if (decode_.warnings > 0) {
      notes.push_back("damaged JPEG: from about row " + std::to_string(decode_.first_damaged) + " of " +
                      std::to_string(header_.height) + " the picture may be wrong (" +
                      std::string(decode_.message) + ")");
    }
  }

  void note_end(bool whole, Notes& notes) const {
    if (decode_.stray_bytes > 0) note_stray_bytes(decode_.stray_bytes, notes);
    if (!whole) {
      note_error_behind(notes);
    } else if (decode_.data_ended) {
      note_missing_end(notes);
    } else {
      note_trailing_bytes(file_.last(decode_.source.bytes_in_buffer), notes);
    }
  }

  void note_error_behind(Notes& notes) const {
    notes.push_back("damaged JPEG: all rows were read, but not what follows them (" +
                    std::string(decode_.message) + ")");
  }

  std::span<const std::byte> file_;
  const Header& header_;
  const std::string& name_;
  Decode decode_{};
};

}  // namespace

std::string libjpeg_name() {
#define ABLAZE_TEXT_OF(version) #version
#define ABLAZE_TEXT(version) ABLAZE_TEXT_OF(version)
  return "libjpeg-turbo " ABLAZE_TEXT(LIBJPEG_TURBO_VERSION);
}

Image libjpeg_decode(std::span<const std::byte> file, const Header& header, std::uint64_t memory_limit,
                     const std::string& name, Notes& notes) {
  return LibjpegDecode(file, header, name).run(memory_limit, notes);
}

}  // namespace ablaze::image
