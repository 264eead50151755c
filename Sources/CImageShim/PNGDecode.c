#include <png.h>
#include <setjmp.h>

#include "CImageShim.h"
#include "ImageChecks.h"

/// What libpng's callbacks reach through their pointers.
typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t used;
    zoo_image_info *info;
    zoo_image_status status;
    png_structp png;
    png_infop header;
} png_run;

static void png_failed(png_structp png, png_const_charp message) {
    png_run *run = png_get_error_ptr(png);
    if (run->status == ZOO_IMAGE_OK) run->status = ZOO_IMAGE_CORRUPT;
    zoo_image_say(run->info, message);
    longjmp(png_jmpbuf(png), 1);
}

/// libpng warns of odd colour profiles and text, not of lost pixels.
static void png_warned(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void png_take(png_structp png, png_bytep target, size_t wanted) {
    png_run *run = png_get_io_ptr(png);
    if (wanted > run->count - run->used) {
        run->status = ZOO_IMAGE_TRUNCATED;
        png_error(png, "the file ends too early");
    }
    memcpy(target, run->bytes + run->used, wanted);
    run->used += wanted;
}

/// Pillow reads grey pictures of 16 bits as numbers and clips them when it turns them into 8 bits.
static void png_clip_to_8_bits(png_structp png, png_row_infop row, png_bytep data) {
    (void)png;
    for (size_t i = 0; i < row->width; i++) data[i] = data[2 * i] != 0 ? 255 : data[2 * i + 1];
}

/// Reads up to the first pixels and sets up the transforms.
static void png_begin(png_run *run, zoo_image_limits limits) {
    png_structp png = run->png;
    png_infop header = run->header;
    zoo_image_info *info = run->info;
    png_set_read_fn(png, run, png_take);
    // Our own check gives the clearer message; libpng's is the second line.
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_read_info(png, header);

    info->width = png_get_image_width(png, header);
    info->height = png_get_image_height(png, header);
    info->bit_depth = png_get_bit_depth(png, header);
    const int kind = png_get_color_type(png, header);
    info->channels = (kind & PNG_COLOR_MASK_COLOR) ? 3 : 1;
    run->status = zoo_image_check_size(info, limits);
    if (run->status != ZOO_IMAGE_OK) png_error(png, info->message);
    // Deflate makes at most 1032 bytes of one: a tiny file that announces a huge picture can't hold it.
    const uint64_t packed = (uint64_t)info->height * png_get_rowbytes(png, header);
    if (packed > (1u << 24) && packed / 1040 > run->count) {
        run->status = ZOO_IMAGE_TRUNCATED;
        png_error(png, "the file is too small for the picture that it announces");
    }

    if (kind == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (kind == PNG_COLOR_TYPE_GRAY && info->bit_depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (info->bit_depth == 16) {
        if (kind == PNG_COLOR_TYPE_GRAY) {
            png_set_read_user_transform_fn(png, png_clip_to_8_bits);
            png_set_user_transform_info(png, NULL, 8, 1);
        } else {
            png_set_strip_16(png);
        }
    }
    png_set_strip_alpha(png);
}

/// Everything between the header and the last byte.
static void png_pixels(png_run *run, uint8_t *pixels, size_t pixel_bytes) {
    png_structp png = run->png;
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, run->header);
    const size_t row_bytes = (size_t)run->info->width * run->info->channels;
    if (!zoo_image_fits(run->info, pixels, pixel_bytes) || png_get_rowbytes(png, run->header) != row_bytes) {
        run->status = ZOO_IMAGE_BAD_CALL;
        png_error(png, "the buffer doesn't fit the picture");
    }
    // Rows of an interlaced picture are completed pass by pass, so they start from something defined.
    if (passes > 1) memset(pixels, 0, pixel_bytes);
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < run->info->height; y++) png_read_row(png, pixels + y * row_bytes, NULL);
    }
    png_read_end(png, NULL);
}

static zoo_image_status png_go(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info, uint8_t *pixels,
    size_t pixel_bytes, int header_only) {
    memset(info, 0, sizeof *info);
    png_run run = {.bytes = bytes, .count = count, .info = info, .status = ZOO_IMAGE_OK};
    run.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &run, png_failed, png_warned);
    if (run.png == NULL) return ZOO_IMAGE_NO_MEMORY;
    run.header = png_create_info_struct(run.png);
    if (run.header == NULL) {
        png_destroy_read_struct(&run.png, NULL, NULL);
        return ZOO_IMAGE_NO_MEMORY;
    }
    // `run` is in memory (its address is taken) and nothing else changes between setjmp and longjmp.
    if (setjmp(png_jmpbuf(run.png)) == 0) {
        png_begin(&run, limits);
        if (!header_only) png_pixels(&run, pixels, pixel_bytes);
    }
    png_destroy_read_struct(&run.png, &run.header, NULL);
    return run.status;
}

zoo_image_status zoo_png_header(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info) {
    return png_go(bytes, count, limits, info, NULL, 0, 1);
}

zoo_image_status zoo_png_decode(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info, uint8_t *pixels,
    size_t pixel_bytes) {
    return png_go(bytes, count, limits, info, pixels, pixel_bytes, 0);
}
