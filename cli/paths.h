/* SPDX-License-Identifier: PostgreSQL */
/* Where the parts that belong to this program lie: in the source tree while it is run from its
 * build folder, below the prefix where it is installed. Found relative to the program's own file,
 * so that a tree may be moved. */
#ifndef HOWDAH_CLI_PATHS_H
#define HOWDAH_CLI_PATHS_H

#include "base/err.h"

char *path_of_programs(struct err *err) MUST_CHECK;   /* folder of this program; caller frees */
char *path_of_devcluster(struct err *err) MUST_CHECK; /* devcluster.sh; caller frees */
char *path_of_sql(struct err *err) MUST_CHECK;        /* folder of the manifest; caller frees */

#endif
