/* SPDX-License-Identifier: PostgreSQL */
/* Six bits at a time into an accumulator, out by the byte. */
#include "cli/base64.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_decode(const char *text, size_t *len)
{
    char *data = mem_alloc(strlen(text) * 3 / 4 + 1);
    uint32_t bits = 0;
    int held = 0;

    *len = 0;
    for (; *text; text++) {
        const char *digit = strchr(alphabet, *text);

        if (*text == '\n')
            continue;
        if (!digit)
            break;
        bits = bits << 6 | (uint32_t)(digit - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            data[(*len)++] = (char)(bits >> held & 0xff);
        }
    }
    return data;
}
