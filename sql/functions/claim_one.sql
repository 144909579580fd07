-- SPDX-License-Identifier: PostgreSQL
-- Which specs may take the quick way of a claim: one plain task, three single-row writes (claim.sql).

create or replace function howdah_private.task_spec_plain(spec jsonb)
returns boolean
language sql stable parallel safe
as $$
    -- Most of it as one path expression, since every operator of SQL is set up anew, privileges
    -- included, in every transaction. Whether offer or agent is a uuid is seen when it is looked up.
    select case
        when spec @@ '$.name.type() == "string" && $.name != ""
                   && !($.name like_regex "[[:cntrl:]]|^\\s|\\s$")
                   && (exists($.agent) && !exists($.offer) || exists($.offer) && !exists($.agent))
                   && $.resources.type() == "object" && $.command.type() == "object"
                   && !exists($.resources.*.type() ? (@ != "number"))
                   && !exists($.resources.* ? (@ < 0 || @ > 1000000000000))
                   && !exists($.resources ? (@.mem % 1 != 0 || @.cpus * 1000 % 1 != 0
                                             || @.disk % 1 != 0 || @.gpus % 1 != 0))
                   && (!exists($.version) || $.version.type() == "number" && $.version >= 0
                       && $.version <= 1000000000000 && $.version % 1 == 0)
                   && ($.command.shell.type() == "string" && $.command.shell != ""
                       && !exists($.command.argv)
                       || $.command.argv.type() == "array" && $.command.argv[0] != ""
                          && $.command.argv.size() <= 4096
                          && !exists($.command.argv[*].type() ? (@ != "string"))
                          && !exists($.command.shell))'
        then spec - '{name,agent,offer,version,resources,command}'::text[] = '{}'::jsonb
             and (spec -> 'resources') - '{cpus,mem,disk,gpus}'::text[] = '{}'::jsonb
             and (spec -> 'command') - '{argv,shell}'::text[] = '{}'::jsonb
             and length(spec ->> 'name') <= 255
             and pg_column_size(spec) < 60000
        else false
        end;
$$;
comment on function howdah_private.task_spec_plain(jsonb) is
    'a valid spec with no fields beyond name, place, plain resources and command';
revoke all on function howdah_private.task_spec_plain(jsonb) from public;

create or replace function howdah_private.task_spec_usual(spec jsonb, principal name)
returns boolean
language plpgsql stable
as $$
/* A valid spec with any fields, but plain resources and a permitted OS user. */
begin
    return spec is not null
       and howdah_private.task_place_problem(spec) is null
       and howdah_private.task_body_plain(spec - '{name,offer,agent,version}'::text[])
       and (not spec ? 'user' or howdah_private.os_user_permitted(principal, spec ->> 'user'));
end
$$;
comment on function howdah_private.task_spec_usual(jsonb, name) is
    'a valid spec with plain resources';
revoke all on function howdah_private.task_spec_usual(jsonb, name) from public;
