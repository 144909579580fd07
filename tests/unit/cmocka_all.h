/* SPDX-License-Identifier: PostgreSQL */
/* cmocka with the headers it wants included before it. */
#ifndef HOWDAH_TEST_CMOCKA_ALL_H
#define HOWDAH_TEST_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
