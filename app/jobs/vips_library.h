/* SPDX-License-Identifier: MIT */
/* libvips, loaded when the first thumbnail route is opened. It brings a hundred libraries, 24 MB and a tenth
 * of a second along, which other configurations should not pay for.
 *
 * Threading: any thread.
 */
#ifndef APP_JOBS_VIPS_LIBRARY_H
#define APP_JOBS_VIPS_LIBRARY_H

#include <vips/vips.h>

#include <weir/error.h>

#define VIPS_LIBRARY_NAME "libvips.so.42"

#define VIPS_LIBRARY_FUNCTIONS(FUNCTION)                                                                     \
    FUNCTION(g_free)                                                                                         \
    FUNCTION(g_log_set_handler)                                                                              \
    FUNCTION(g_object_unref)                                                                                 \
    FUNCTION(g_signal_connect_data)                                                                          \
    FUNCTION(vips_area_unref)                                                                                \
    FUNCTION(vips_array_double_newv)                                                                         \
    FUNCTION(vips_block_untrusted_set)                                                                       \
    FUNCTION(vips_cache_set_max)                                                                             \
    FUNCTION(vips_colourspace)                                                                               \
    FUNCTION(vips_concurrency_set)                                                                           \
    FUNCTION(vips_error_clear)                                                                               \
    FUNCTION(vips_flatten)                                                                                   \
    FUNCTION(vips_image_get_bands)                                                                           \
    FUNCTION(vips_image_get_format)                                                                          \
    FUNCTION(vips_image_get_height)                                                                          \
    FUNCTION(vips_image_get_interpretation)                                                                  \
    FUNCTION(vips_image_get_width)                                                                           \
    FUNCTION(vips_image_hasalpha)                                                                            \
    FUNCTION(vips_image_new_from_memory)                                                                     \
    FUNCTION(vips_image_new_from_source)                                                                     \
    FUNCTION(vips_init)                                                                                      \
    FUNCTION(vips_jpegsave_buffer)                                                                           \
    FUNCTION(vips_operation_block_set)                                                                       \
    FUNCTION(vips_pngsave_buffer)                                                                            \
    FUNCTION(vips_region_new)                                                                                \
    FUNCTION(vips_region_prepare)                                                                            \
    FUNCTION(vips_source_custom_new)                                                                         \
    FUNCTION(vips_thread_shutdown)                                                                           \
    FUNCTION(vips_thumbnail_source)                                                                          \
    FUNCTION(vips_webpsave_buffer)

/* The functions that are used, with the types of libvips' headers. */
struct vips_library {
#define VIPS_LIBRARY_MEMBER(name) __typeof__(name) *name;
    VIPS_LIBRARY_FUNCTIONS(VIPS_LIBRARY_MEMBER)
#undef VIPS_LIBRARY_MEMBER
};

/* Loads libvips at the first call, and restricts it: no other formats than ours, no cache, as few threads as
 * it can do with. It stays loaded. The library is the process's.
 * Returns: NULL, and NULL from then on, when it is not installed or can't be used, with a reason in *why; why
 * may be NULL.
 */
const struct vips_library *vips_library(const char **why);

#endif
