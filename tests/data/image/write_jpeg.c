/* Writes the JPEGs that Pillow cannot: any sampling factors, restart intervals, scans and colour spaces.
 *
 *   cc -O1 -o write_jpeg write_jpeg.c -ljpeg
 *   write_jpeg WIDTH HEIGHT CHANNELS [OPTION]... <pixels >file.jpg
 *
 * The pixels are bytes, row by row: grey, RGB or CMYK by the number of channels. Options: stored=SPACE (grey, ycc, rgb,
 * cmyk, ycck), sampling=HxV,HxV,..., quality=N, restart=BLOCKS, progressive, apart (one scan per component), plain
 * (neither JFIF's nor Adobe's marker), arithmetic, optimised. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

static int take(const char* word, const char* name, const char** value) {
  const size_t length = strlen(name);
  if (strncmp(word, name, length) != 0) return 0;
  *value = word + length;
  return 1;
}

int main(int count, char** words) {
  if (count < 4) return 2;
  const int width = atoi(words[1]), height = atoi(words[2]), channels = atoi(words[3]);
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  static jpeg_scan_info scans[4];
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, stdout);
  jpeg.image_width = (JDIMENSION)width;
  jpeg.image_height = (JDIMENSION)height;
  jpeg.input_components = channels;
  jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  for (int i = 4; i < count; ++i) {
    const char* value = "";
    if (take(words[i], "stored=", &value)) {
      static const char* const names[] = {"grey", "ycc", "rgb", "cmyk", "ycck"};
      static const J_COLOR_SPACE spaces[] = {JCS_GRAYSCALE, JCS_YCbCr, JCS_RGB, JCS_CMYK, JCS_YCCK};
      for (int k = 0; k < 5; ++k)
        if (strcmp(value, names[k]) == 0) jpeg_set_colorspace(&jpeg, spaces[k]);
    }
  }
  for (int i = 4; i < count; ++i) {
    const char* value = "";
    if (take(words[i], "sampling=", &value)) {
      for (int c = 0; c < jpeg.num_components && *value; ++c) {
        jpeg.comp_info[c].h_samp_factor = value[0] - '0';
        jpeg.comp_info[c].v_samp_factor = value[2] - '0';
        value += value[3] ? 4 : 3;
      }
    } else if (take(words[i], "quality=", &value)) {
      jpeg_set_quality(&jpeg, atoi(value), TRUE);
    } else if (take(words[i], "restart=", &value)) {
      jpeg.restart_interval = (unsigned)atoi(value);
    } else if (strcmp(words[i], "progressive") == 0) {
      jpeg_simple_progression(&jpeg);
    } else if (strcmp(words[i], "apart") == 0) {
      for (int c = 0; c < jpeg.num_components; ++c) {
        scans[c].comps_in_scan = 1;
        scans[c].component_index[0] = c;
        scans[c].Se = 63;
      }
      jpeg.scan_info = scans;
      jpeg.num_scans = jpeg.num_components;
    } else if (strcmp(words[i], "plain") == 0) {
      jpeg.write_JFIF_header = jpeg.write_Adobe_marker = FALSE;
    } else if (strcmp(words[i], "arithmetic") == 0) {
      jpeg.arith_code = TRUE;
    } else if (strcmp(words[i], "optimised") == 0) {
      jpeg.optimize_coding = TRUE;
    }
  }
  jpeg_start_compress(&jpeg, TRUE);
  JSAMPLE* row = malloc((size_t)width * (size_t)channels);
  while (jpeg.next_scanline < jpeg.image_height) {
    if (fread(row, (size_t)channels, (size_t)width, stdin) != (size_t)width) return 1;
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  free(row);
  return 0;
}
