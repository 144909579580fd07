/* SPDX-License-Identifier: PostgreSQL */
/* What this tree is, and which schema its programs expect in the database. */
#ifndef HOWDAH_BASE_VERSION_H
#define HOWDAH_BASE_VERSION_H

#define HOWDAH_VERSION "0.1.0"

/* The number of the last file in sql/migrations; howdah.schema_version() answers the same. */
#define HOWDAH_SCHEMA_VERSION 20

#endif
