/* SPDX-License-Identifier: PostgreSQL */
/* A row of offers_since as struct fw_offer. */
#ifndef HOWDAH_FRAMEWORK_OFFER_ROW_H
#define HOWDAH_FRAMEWORK_OFFER_ROW_H

#include <libpq-fe.h>

#include "include/framework.h"

/* Fills *offer with texts that it owns. -1 if the resources cannot be understood. */
int offer_row_read(struct fw_offer *offer, const PGresult *result, int row);
void offer_row_free(struct fw_offer *offer);

#endif
