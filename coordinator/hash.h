/* SPDX-License-Identifier: PostgreSQL */
/* FNV-1a, 64 bits: fingerprints for ETags, no defence against an adversary. */
#ifndef HOWDAH_COORDINATOR_HASH_H
#define HOWDAH_COORDINATOR_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif
