#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include "CImageShim.h"
#include "ImageChecks.h"

typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t room;
    zoo_image_info *info;
    zoo_image_status status;
    png_structp png;
    png_infop header;
} png_output;

static void png_write_failed(png_structp png, png_const_charp message) {
    png_output *output = png_get_error_ptr(png);
    if (output->status == ZOO_IMAGE_OK) output->status = ZOO_IMAGE_BAD_CALL;
    zoo_image_say(output->info, message);
    longjmp(png_jmpbuf(png), 1);
}

static void png_write_warned(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void png_give(png_structp png, png_bytep source, size_t count) {
    png_output *output = png_get_io_ptr(png);
    if (count > output->room - output->count) {
        const size_t needed = output->count + count;
        const size_t room = needed + needed / 2 + 4096;
        uint8_t *bytes = room > needed ? realloc(output->bytes, room) : NULL;
        if (bytes == NULL) {
            output->status = ZOO_IMAGE_NO_MEMORY;
            png_error(png, "there is no memory for the encoded picture");
        }
        output->bytes = bytes;
        output->room = room;
    }
    memcpy(output->bytes + output->count, source, count);
    output->count += count;
}

static void png_flushed(png_structp png) { (void)png; }

zoo_image_status zoo_png_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, uint8_t **encoded,
    size_t *encoded_count, zoo_image_info *info) {
    memset(info, 0, sizeof *info);
    *encoded = NULL;
    *encoded_count = 0;
    png_output output = {.info = info, .status = ZOO_IMAGE_OK};
    output.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &output, png_write_failed, png_write_warned);
    if (output.png == NULL) return ZOO_IMAGE_NO_MEMORY;
    output.header = png_create_info_struct(output.png);
    if (output.header == NULL) {
        png_destroy_write_struct(&output.png, NULL);
        return ZOO_IMAGE_NO_MEMORY;
    }
    if (setjmp(png_jmpbuf(output.png)) == 0) {
        png_set_write_fn(output.png, &output, png_give, png_flushed);
        png_set_IHDR(
            output.png, output.header, width, height, 8, channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
            PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(output.png, output.header);
        for (size_t y = 0; y < height; y++) png_write_row(output.png, pixels + y * width * channels);
        png_write_end(output.png, output.header);
    }
    png_destroy_write_struct(&output.png, &output.header);
    if (output.status != ZOO_IMAGE_OK) {
        free(output.bytes);
        return output.status;
    }
    *encoded = output.bytes;
    *encoded_count = output.count;
    return ZOO_IMAGE_OK;
}

void zoo_image_free(uint8_t *encoded) { free(encoded); }
