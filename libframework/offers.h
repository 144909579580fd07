/* SPDX-License-Identifier: PostgreSQL */
/* The outstanding offers as this session knows them. */
#ifndef HOWDAH_FRAMEWORK_OFFERS_H
#define HOWDAH_FRAMEWORK_OFFERS_H

#include "internal.h"

struct offers *offers_create(struct fw_session *session);
void offers_destroy(struct offers *offers); /* NULL is fine */

/* Ask the database what changed. While an answer is awaited, one more question is remembered. */
void offers_poll(struct offers *offers);

/* The next poll asks for everything and compares. */
void offers_resync(struct offers *offers);

/* Apply the rows of the statement `offers` and tell the caller. full: the rows are all there is. */
void offers_apply(struct offers *offers, const PGresult *result, bool full);

/* A request names the offer: not listed until released as often as held. Unknown ids are fine. */
void offers_hold(struct offers *offers, const char *offer_id);

/* used: the offer is no longer outstanding, or will not be shown again. */
void offers_release(struct offers *offers, const char *offer_id, bool used);

size_t offers_list(struct offers *offers, const struct fw_offer **list); /* see fw_offers */

#endif
