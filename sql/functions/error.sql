-- SPDX-License-Identifier: PostgreSQL
-- One way to raise: message for people, DETAIL as JSON for programs, SQLSTATE from errcodes.def.

create or replace function howdah_private.raise(
    code text, call text, field text, value text, expected text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
/* Raise error `code` of errcodes.def about one field of one call. Its texts are cut and their control
   characters replaced, so that they can stand in logs: field and value may be the caller's. */
declare
    v_field text := regexp_replace(left(raise.field, 200), '[[:cntrl:]]', '?', 'g');
    v_value text := regexp_replace(left(raise.value, 200), '[[:cntrl:]]', '?', 'g');
    v_expected text := regexp_replace(left(raise.expected, 600), '[[:cntrl:]]', '?', 'g');
begin
    raise exception using
        errcode = howdah_private.error_sqlstate(raise.code),
        message = format('%s: field "%s", value "%s": expected %s',
                         raise.call, v_field, coalesce(v_value, 'null'), v_expected),
        detail = json_build_object('code', raise.code, 'field', v_field,
                                   'value', v_value, 'expected', v_expected)::text;
end
$$;
comment on function howdah_private.raise(text, text, text, text, text) is
    'raise an error of errcodes.def that names field, value and what was expected';
revoke all on function howdah_private.raise(text, text, text, text, text) from public;
