/* SPDX-License-Identifier: PostgreSQL */
/* verbs.def as a table. */
#include "cli/verbs.h"

#include <stddef.h>
#include <string.h>

const struct verb verbs[VERB_COUNT] = {
#define VERB(name_, word_, login_, least_, most_, operands_, summary_, example_)                   \
    [VERB_##name_] = {                                                                             \
        .id = VERB_##name_,                                                                        \
        .word = word_,                                                                             \
        .run = cmd_##name_,                                                                        \
        .login = LOGIN_##login_,                                                                   \
        .least = least_,                                                                           \
        .most = most_,                                                                             \
        .operands = operands_,                                                                     \
        .summary = summary_,                                                                       \
        .example = example_,                                                                       \
    },
#include "cli/verbs.def"
#undef VERB
};

const struct verb *verb_find(const char *word)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(verbs[i].word, word) == 0)
            return &verbs[i];
    return NULL;
}
