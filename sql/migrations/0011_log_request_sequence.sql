-- SPDX-License-Identifier: PostgreSQL
-- The identity sequence of an unlogged table is unlogged, too. PostgreSQL promotes a standby with its page
-- empty ("bad magic number in sequence"), so nothing could be inserted any more; and after a crash it
-- begins at 1 again, so a reader could be handed the answer to somebody's later request.

set local role howdah_owner;

alter sequence howdah_private.log_request_request_id_seq set logged;
