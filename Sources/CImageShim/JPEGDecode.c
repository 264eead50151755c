#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "CImageShim.h"
#include "ImageChecks.h"

/// A progressive file may repeat its scans without end; real ones have about ten.
enum { scan_limit = 500 };

/// libjpeg's objects with our callbacks' state behind them.
typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    zoo_image_info *info;
    zoo_image_status status;
    uint8_t *row;    // one row of four channels, for CMYK
    jmp_buf back;
} jpeg_run;

static void jpeg_stop(jpeg_run *run, zoo_image_status status, const char *message) {
    run->status = status;
    zoo_image_say(run->info, message);
    longjmp(run->back, 1);
}

static void jpeg_failed(j_common_ptr jpeg) {
    jpeg_run *run = jpeg->client_data;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    jpeg_stop(run, ZOO_IMAGE_CORRUPT, message);
}

static void jpeg_warned(j_common_ptr jpeg, int level) {
    if (level < 0) ((jpeg_run *)jpeg->client_data)->info->warnings += 1;
}

static void jpeg_quiet(j_common_ptr jpeg) { (void)jpeg; }

static void jpeg_scanned(j_common_ptr jpeg) {
    if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > scan_limit)
        jpeg_stop(jpeg->client_data, ZOO_IMAGE_TOO_LARGE, "more scans than any real one has");
}

static void jpeg_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

/// All bytes are there from the start; who asks for more has met the end of a file that is cut short.
static boolean jpeg_more(j_decompress_ptr jpeg) {
    jpeg_stop(jpeg->client_data, ZOO_IMAGE_TRUNCATED, "the file ends too early");
    return FALSE;
}

static void jpeg_skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    if ((size_t)count > jpeg->src->bytes_in_buffer) jpeg_more(jpeg);
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
}

static void jpeg_begin(jpeg_run *run, const uint8_t *bytes, size_t count, zoo_image_limits limits) {
    j_decompress_ptr jpeg = &run->jpeg;
    run->source = (struct jpeg_source_mgr){
        .next_input_byte = bytes, .bytes_in_buffer = count, .init_source = jpeg_nothing,
        .fill_input_buffer = jpeg_more, .skip_input_data = jpeg_skip,
        .resync_to_restart = jpeg_resync_to_restart, .term_source = jpeg_nothing};
    jpeg->src = &run->source;
    run->progress.progress_monitor = jpeg_scanned;
    jpeg->progress = &run->progress;
    jpeg_read_header(jpeg, TRUE);

    zoo_image_info *info = run->info;
    info->width = jpeg->image_width;
    info->height = jpeg->image_height;
    info->bit_depth = (uint32_t)jpeg->data_precision;
    info->channels = jpeg->num_components == 1 ? 1 : 3;
    const zoo_image_status size = zoo_image_check_size(info, limits);
    if (size != ZOO_IMAGE_OK) jpeg_stop(run, size, info->message);
    switch (jpeg->num_components) {
        case 1: jpeg->out_color_space = JCS_GRAYSCALE; break;
        case 3: jpeg->out_color_space = JCS_RGB; break;
        case 4: jpeg->out_color_space = JCS_CMYK; break;
        default: jpeg_stop(run, ZOO_IMAGE_UNSUPPORTED, "the number of colour components is neither 1, 3 nor 4");
    }
    // A block of 64 pixels takes a bit or more, but for arithmetic coding of blank pictures: refuse only what is
    // far beyond that.
    const uint64_t pixels = (uint64_t)info->width * info->height;
    if (pixels > (1u << 24) && pixels / 16384 > count)
        jpeg_stop(run, ZOO_IMAGE_TRUNCATED, "the file is too small for the picture that it announces");
}

/// a × b / 255, rounded, as Pillow computes it.
static inline int multiplied(int a, int b) {
    const int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

/// Inverted CMYK (0 is full ink) to RGB.
static void rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width) {
    for (size_t x = 0; x < width; x++) {
        const int light = cmyk[4 * x + 3];
        for (int c = 0; c < 3; c++) {
            const int value = light - multiplied(255 - cmyk[4 * x + c], light);
            rgb[3 * x + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

static void jpeg_pixels(jpeg_run *run, uint8_t *pixels, size_t pixel_bytes) {
    j_decompress_ptr jpeg = &run->jpeg;
    if (!zoo_image_fits(run->info, pixels, pixel_bytes))
        jpeg_stop(run, ZOO_IMAGE_BAD_CALL, "the buffer doesn't fit the picture");
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(jpeg);
    const size_t width = run->info->width;
    if (jpeg->output_width != width || jpeg->output_height != run->info->height)
        jpeg_stop(run, ZOO_IMAGE_BAD_CALL, "the picture changed its size");
    if (jpeg->num_components == 4) {
        run->row = malloc(4 * width);
        if (run->row == NULL) jpeg_stop(run, ZOO_IMAGE_NO_MEMORY, "there is no memory for a row");
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *target = pixels + (size_t)jpeg->output_scanline * width * run->info->channels;
        JSAMPROW row = run->row != NULL ? run->row : target;
        if (jpeg_read_scanlines(jpeg, &row, 1) != 1) jpeg_more(jpeg);
        if (run->row != NULL) rgb_from_cmyk(run->row, target, width);
    }
    jpeg_finish_decompress(jpeg);
}

static zoo_image_status jpeg_go(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info, uint8_t *pixels,
    size_t pixel_bytes, int header_only) {
    memset(info, 0, sizeof *info);
    jpeg_run run;
    memset(&run, 0, sizeof run);
    run.info = info;
    run.jpeg.err = jpeg_std_error(&run.errors);
    run.errors.error_exit = jpeg_failed;
    run.errors.emit_message = jpeg_warned;
    run.errors.output_message = jpeg_quiet;
    run.jpeg.client_data = &run;
    // `run` is in memory (its address is taken) and nothing else changes between setjmp and longjmp.
    if (setjmp(run.back) == 0) {
        jpeg_create_decompress(&run.jpeg);
        jpeg_begin(&run, bytes, count, limits);
        if (!header_only) jpeg_pixels(&run, pixels, pixel_bytes);
    }
    jpeg_destroy_decompress(&run.jpeg);
    free(run.row);
    return run.status;
}

zoo_image_status zoo_jpeg_header(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info) {
    return jpeg_go(bytes, count, limits, info, NULL, 0, 1);
}

zoo_image_status zoo_jpeg_decode(
    const uint8_t *bytes, size_t count, zoo_image_limits limits, zoo_image_info *info, uint8_t *pixels,
    size_t pixel_bytes) {
    return jpeg_go(bytes, count, limits, info, pixels, pixel_bytes, 0);
}
