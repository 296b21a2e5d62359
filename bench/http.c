/* http: heads and chunks of HTTP/1.1 for the benchmark programs. No state. */
#include "http.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

size_t http_head_size(const uint8_t *data, size_t len)
{
    const uint8_t *end = len > 0 ? memmem(data, len, "\r\n\r\n", 4) : NULL;
    return end ? (size_t)(end - data) + 4 : 0;
}

size_t http_find(const uint8_t *head, size_t size, const char *name, const char **value)
{
    size_t name_len = strlen(name);
    const char *at = (const char *)head, *end = at + size, *line_end;
    while ((line_end = memchr(at, '\r', (size_t)(end - at))) && line_end > at) {
        const char *colon = at + name_len;
        if (colon < line_end && *colon == ':' && strncasecmp(at, name, name_len) == 0) {
            for (at = colon + 1; at < line_end && *at == ' '; at++)
                ;
            *value = at;
            return (size_t)(line_end - at);
        }
        at = line_end + 2;
    }
    return 0;
}

bool http_find_length(const uint8_t *head, size_t size, size_t *length)
{
    const char *text;
    size_t len = http_find(head, size, "Content-Length", &text);
    size_t number = 0;
    if (len == 0 || len > 12)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        number = number * 10 + (size_t)(text[i] - '0');
    }
    *length = number;
    return true;
}

bool http_is_chunked(const uint8_t *head, size_t size)
{
    const char *text;
    return http_find(head, size, "Transfer-Encoding", &text) == strlen("chunked") &&
           strncasecmp(text, "chunked", strlen("chunked")) == 0;
}

ssize_t http_chunk_head(const uint8_t *data, size_t len, size_t *size)
{
    size_t number = 0;
    for (size_t i = 0; i < len && i < 9; i++) {
        if (isxdigit(data[i])) {
            int digit = data[i] <= '9' ? data[i] - '0' : (data[i] | 0x20) - 'a' + 10;
            number = number * 16 + (size_t)digit;
            continue;
        }
        if (i == 0 || data[i] != '\r')
            return -1;
        if (i + 1 == len)
            return 0;
        *size = number;
        return data[i + 1] == '\n' ? (ssize_t)i + 2 : -1;
    }
    return len < 9 ? 0 : -1;
}

void http_put(Bytes *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bytes_put(out, text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
}

void http_put_base64(Bytes *out, const void *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *at = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t count = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)at[i] << 16 | (count > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                        (count > 2 ? at[i + 2] : 0);
        char text[4] = {digits[bits >> 18], digits[bits >> 12 & 63], '=', '='};
        if (count > 1)
            text[2] = digits[bits >> 6 & 63];
        if (count > 2)
            text[3] = digits[bits & 63];
        bytes_put(out, text, sizeof text);
    }
}
