#ifndef CIMAGESHIM_H
#define CIMAGESHIM_H

// Whole decoding and encoding loops of PNG and JPEG over memory. libpng and libjpeg report errors by longjmp;
// here it never leaves a function of ours, so that no Swift frame is ever jumped over.

#include <stddef.h>
#include <stdint.h>

/// What a picture may ask for before it is refused.
typedef struct {
    uint32_t side;        ///< Largest width and height.
    uint64_t pixels;      ///< Largest width × height.
} zoo_image_limits;

/// How a call went.
typedef enum {
    ZOO_IMAGE_OK = 0,
    ZOO_IMAGE_CORRUPT = 1,       ///< The file contradicts its format.
    ZOO_IMAGE_TRUNCATED = 2,     ///< The file ends too early.
    ZOO_IMAGE_TOO_LARGE = 3,     ///< Beyond the limits.
    ZOO_IMAGE_UNSUPPORTED = 4,   ///< Well-formed, of a kind that isn't handled.
    ZOO_IMAGE_NO_MEMORY = 5,
    ZOO_IMAGE_BAD_CALL = 6,      ///< The pixel buffer doesn't fit the picture.
} zoo_image_status;

/// A picture's header, and what decoding met.
typedef struct {
    uint32_t width;
    uint32_t height;
    uint32_t channels;     ///< Of the decoded pixels: 1 grey, 3 red green blue.
    uint32_t bit_depth;    ///< In the file.
    uint32_t warnings;     ///< Places where a JPEG's data are damaged and the decoder guessed; 0 for PNG.
    char message[224];     ///< The library's own words when the status isn't OK; always terminated.
} zoo_image_info;

/// Reads the header alone; `info` then says how many pixel bytes the matching decode call writes:
/// width × height × channels.
zoo_image_status zoo_png_header(const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info);

/// Decodes to 8 bits per channel, rows from the top, channels interleaved, as Pillow's `convert("RGB")` or
/// `convert("L")` would see them: palettes expanded, alpha and transparent colours dropped, gamma ignored; 16-bit
/// samples give their high byte, except plain grey ones, which are clipped at 255.
zoo_image_status zoo_png_decode(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info, uint8_t *pixels,
    size_t pixel_bytes);

/// As zoo_png_header.
zoo_image_status zoo_jpeg_header(const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info);

/// Decodes with the accurate integer DCT and fancy upsampling, without turning by EXIF: Pillow's pixels. CMYK and
/// YCCK files are taken as inverted, as Adobe writes them, and turned into RGB with Pillow's formula.
zoo_image_status zoo_jpeg_decode(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info, uint8_t *pixels,
    size_t pixel_bytes);

/// Encodes 8-bit grey (1 channel) or RGB (3 channels). On success `*encoded` holds `*encoded_count` bytes that the
/// caller gives back to zoo_image_free; else it is NULL.
zoo_image_status zoo_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, uint8_t **encoded,
    size_t *encoded_count, zoo_image_info *info);

/// Frees what zoo_png_encode gave.
void zoo_image_free(uint8_t *encoded);

#endif
