/* SPDX-License-Identifier: PostgreSQL */
/* The verbs of verbs.def: what `howdah WORD` runs. Each has a cmd_NAME function in its own file. */
#ifndef HOWDAH_CLI_VERBS_H
#define HOWDAH_CLI_VERBS_H

#include "base/err.h"

struct cli;

enum verb_id {
#define VERB(name, word, login, least, most, operands, summary, example) VERB_##name,
#include "cli/verbs.def"
#undef VERB
    VERB_COUNT
};

enum verb_login { LOGIN_NONE, LOGIN_ADMIN, LOGIN_OPERATOR, LOGIN_FRAMEWORK };

/* Returns the exit code, or -1 with err set. */
typedef int (*verb_f)(struct cli *cli, struct err *err);

struct verb {
    enum verb_id id;
    const char *word; /* as typed: "role-set" */
    verb_f run;
    enum verb_login login;
    int least, most; /* operands; most -1 = any number */
    const char *operands;
    const char *summary;
    const char *example;
};

extern const struct verb verbs[VERB_COUNT];

const struct verb *verb_find(const char *word); /* NULL if there is none */

#define VERB(name, word, login, least, most, operands, summary, example)                           \
    int cmd_##name(struct cli *cli, struct err *err) MUST_CHECK;
#include "cli/verbs.def"
#undef VERB

#endif
