-- SPDX-License-Identifier: PostgreSQL
-- Task specs of a claim: what a good one looks like, and what exactly is wrong with a bad one.
--
-- task_body_plain is the quick test: true for a body whose fields are all right and whose resources
-- are only cpus, mem, disk and gpus. When it is false, task_spec_problem tells whether the spec is
-- wrong (and how) or just uses more than the plain fields.

create or replace function howdah_private.name_ok(name text)
returns boolean
language sql immutable parallel safe
as $$
    select length(name_ok.name) between 1 and 255
       and name_ok.name !~ '[[:cntrl:]]|^\s|\s$';
$$;
comment on function howdah_private.name_ok(text) is
    'a name: 1 to 255 characters, no control characters, no blanks at the ends';
revoke all on function howdah_private.name_ok(text) from public;

create or replace function howdah_private.amount_ok(amount jsonb, places integer)
returns boolean
language sql immutable parallel safe
as $$
    select case when amount_ok.amount is null then true
                when jsonb_typeof(amount_ok.amount) <> 'number' then false
                else (amount_ok.amount)::numeric between 0 and 1000000000000
                     and scale(trim_scale((amount_ok.amount)::numeric)) <= amount_ok.places
           end;
$$;
comment on function howdah_private.amount_ok(jsonb, integer) is
    'absent, or a number from 0 to 10^12 with at most so many decimal places';
revoke all on function howdah_private.amount_ok(jsonb, integer) from public;

create or replace function howdah_private.range_list_problem(ranges jsonb)
returns text
language plpgsql immutable parallel safe
as $$
/* NULL if `ranges` is a JSON list of [first, last] pairs of ports, else what was expected. */
declare
    v_pair jsonb;
begin
    if jsonb_typeof(ranges) <> 'array' then
        return 'a list of [first, last] pairs, or a number of ports';
    end if;
    for v_pair in select e.value from jsonb_array_elements(ranges) e loop
        if jsonb_typeof(v_pair) <> 'array' or jsonb_array_length(v_pair) <> 2
           or jsonb_typeof(v_pair -> 0) <> 'number' or jsonb_typeof(v_pair -> 1) <> 'number' then
            return 'pairs [first, last] of port numbers';
        end if;
        if (v_pair ->> 0)::numeric % 1 <> 0 or (v_pair ->> 1)::numeric % 1 <> 0
           or (v_pair ->> 0)::numeric not between 0 and 65535
           or (v_pair ->> 1)::numeric not between (v_pair ->> 0)::numeric and 65535 then
            return 'pairs [first, last] with 0 <= first <= last <= 65535';
        end if;
    end loop;
    return null;
end
$$;
comment on function howdah_private.range_list_problem(jsonb) is
    'what is wrong with a list of port ranges; null = nothing';
revoke all on function howdah_private.range_list_problem(jsonb) from public;

create or replace function howdah_private.ranges_from_json(ranges jsonb)
returns int4multirange
language sql immutable parallel safe
as $$
    select coalesce(range_agg(int4range((r.value ->> 0)::numeric::integer,
                                        (r.value ->> 1)::numeric::integer, '[]')),
                    '{}'::int4multirange)
    from jsonb_array_elements(ranges_from_json.ranges) as r (value);
$$;
comment on function howdah_private.ranges_from_json(jsonb) is '[[first, last], …] as a multirange';
revoke all on function howdah_private.ranges_from_json(jsonb) from public;

create or replace function howdah_private.ranges_to_json(ranges int4multirange)
returns jsonb
language plpgsql immutable parallel safe
as $$
/* A multirange as [[first, last], …]; null when empty. */
begin
    if ranges is null then
        return null;
    end if;
    return (select jsonb_agg(jsonb_build_array(lower(r.value), upper(r.value) - 1)
                             order by r.value)
            from unnest(ranges) as r (value));
end
$$;
comment on function howdah_private.ranges_to_json(int4multirange) is
    'a multirange as [[first, last], …]; null when empty';
revoke all on function howdah_private.ranges_to_json(int4multirange) from public;

create or replace function howdah_private.sets_problem(sets jsonb, counts_allowed boolean)
returns text
language plpgsql immutable parallel safe
as $$
/* NULL if `sets` maps names to lists of distinct strings (or, in a task spec, to numbers of items). */
declare
    v_name text;
    v_items jsonb;
begin
    if jsonb_typeof(sets) <> 'object' then
        return 'an object of named sets';
    end if;
    for v_name, v_items in select e.key, e.value from jsonb_each(sets) e loop
        if not howdah_private.name_ok(v_name) then
            return 'set names of 1 to 255 printable characters';
        elsif counts_allowed and jsonb_typeof(v_items) = 'number' then
            if not howdah_private.amount_ok(v_items, 0) or v_items::numeric > 1000000 then
                return 'a whole number of items, 0 to 1000000, of set ' || v_name;
            end if;
        elsif jsonb_typeof(v_items) <> 'array' then
            return 'a list of items of set ' || v_name;
        elsif exists (select 1 from jsonb_array_elements(v_items) i
                      where jsonb_typeof(i.value) <> 'string' or not howdah_private.name_ok(i.value #>> '{}'))
              or (select count(distinct i.value) from jsonb_array_elements(v_items) i)
                 <> jsonb_array_length(v_items) then
            return 'distinct, printable strings as items of set ' || v_name;
        end if;
    end loop;
    return null;
end
$$;
comment on function howdah_private.sets_problem(jsonb, boolean) is
    'what is wrong with named sets; null = nothing';
revoke all on function howdah_private.sets_problem(jsonb, boolean) from public;

create or replace function howdah_private.problem(field text, value jsonb, expected text)
returns text
language sql immutable parallel safe
as $$
    select format('field "%s", value %s: expected %s', problem.field,
                  regexp_replace(left(coalesce(problem.value::text, 'null'), 200),
                                 '[[:cntrl:]]', '?', 'g'),
                  problem.expected);
$$;
comment on function howdah_private.problem(text, jsonb, text) is
    'one sentence that names field, value and what was expected';
revoke all on function howdah_private.problem(text, jsonb, text) from public;

create or replace function howdah_private.resources_problem(
    resources jsonb, counts_allowed boolean)
returns text
language plpgsql immutable parallel safe
as $$
/* NULL if `resources` is a good resource object (of a task spec, or of an agent when counts are not
   allowed), else a sentence that names the bad field. */
declare
    v_key text;
    v_value jsonb;
    v_text text;
begin
    if resources is null or jsonb_typeof(resources) <> 'object' then
        return howdah_private.problem('resources', resources, 'an object such as {"cpus": 0.5, "mem": 128}');
    end if;
    for v_key, v_value in select e.key, e.value from jsonb_each(resources) e loop
        if v_key = 'cpus' then
            if not howdah_private.amount_ok(v_value, 3) then
                return howdah_private.problem('resources.cpus', v_value,
                               'a number from 0 to 10^12 with at most 3 decimal places');
            end if;
        elsif v_key in ('mem', 'disk', 'gpus') then
            if not howdah_private.amount_ok(v_value, 0) then
                return howdah_private.problem('resources.' || v_key, v_value, 'a whole number from 0 to 10^12');
            end if;
        elsif v_key = 'scalars' then
            if jsonb_typeof(v_value) <> 'object' then
                return howdah_private.problem('resources.scalars', v_value, 'an object of named amounts');
            end if;
            select howdah_private.problem('resources.scalars.' || left(e.key, 40), e.value,
                           'a printable name and a number from 0 to 10^12, at most 3 decimals')
            into v_text
            from jsonb_each(v_value) e
            where not howdah_private.amount_ok(e.value, 3) or not howdah_private.name_ok(e.key) limit 1;
            if v_text is not null then
                return v_text;
            end if;
        elsif v_key = 'ports' then
            if counts_allowed and jsonb_typeof(v_value) = 'number' then
                if not howdah_private.amount_ok(v_value, 0) or v_value::numeric > 65536 then
                    return howdah_private.problem('resources.ports', v_value, 'a number of ports, 0 to 65536');
                end if;
                continue;
            end if;
            v_text := howdah_private.range_list_problem(v_value);
            if v_text is not null then
                return howdah_private.problem('resources.ports', v_value, v_text);
            end if;
        elsif v_key = 'sets' then
            v_text := howdah_private.sets_problem(v_value, counts_allowed);
            if v_text is not null then
                return howdah_private.problem('resources.sets', v_value, v_text);
            end if;
        else
            return howdah_private.problem('resources.' || left(v_key, 40), v_value,
                           'only cpus, mem, disk, gpus, scalars, ports, sets');
        end if;
    end loop;
    return null;
end
$$;
comment on function howdah_private.resources_problem(jsonb, boolean) is
    'what is wrong with a resources object; null = nothing';
revoke all on function howdah_private.resources_problem(jsonb, boolean) from public;

create or replace function howdah_private.string_map_problem(field text, map jsonb)
returns text
language plpgsql immutable parallel safe
as $$
/* NULL if `map` is absent or an object whose values are strings, else a sentence. */
begin
    if map is null then
        return null;
    elsif jsonb_typeof(map) <> 'object' then
        return howdah_private.problem(field, map, 'an object of strings');
    end if;
    return (select howdah_private.problem(
                       field || '.' || left(e.key, 40), e.value,
                       'a string; names of 1 to 255 characters without "=" or controls')
            from jsonb_each(map) e
            where jsonb_typeof(e.value) <> 'string' or not howdah_private.name_ok(e.key)
               or strpos(e.key, '=') > 0
            limit 1);
end
$$;
comment on function howdah_private.string_map_problem(text, jsonb) is
    'what is wrong with an object whose values must be strings; null = nothing';
revoke all on function howdah_private.string_map_problem(text, jsonb) from public;

create or replace function howdah_private.command_problem(command jsonb)
returns text
language plpgsql immutable parallel safe
as $$
/* NULL if `command` is {"argv": [string, …]} or {"shell": string}, else a sentence. */
begin
    if command is null or jsonb_typeof(command) <> 'object'
       or (command - array['argv', 'shell']) <> '{}'::jsonb
       or (command ? 'argv') = (command ? 'shell') then
        return howdah_private.problem('command', command, '{"argv": [...]} or {"shell": "..."}');
    end if;
    if command ? 'shell' then
        if jsonb_typeof(command -> 'shell') <> 'string' or command ->> 'shell' = '' then
            return howdah_private.problem('command.shell', command -> 'shell', 'a string that is not empty');
        end if;
    elsif jsonb_typeof(command -> 'argv') <> 'array'
          or jsonb_array_length(command -> 'argv') not between 1 and 4096
          or jsonb_path_exists(command, 'strict $.argv[*] ? (@.type() != "string")')
          or command -> 'argv' ->> 0 = '' then
        return howdah_private.problem('command.argv', command -> 'argv',
                       'a list of 1 to 4096 strings, the first one not empty');
    end if;
    return null;
end
$$;
comment on function howdah_private.command_problem(jsonb) is
    'what is wrong with a command; null = nothing';
revoke all on function howdah_private.command_problem(jsonb) from public;

create or replace function howdah_private.task_spec_problem(spec jsonb)
returns text
language plpgsql immutable parallel safe
as $$
/* What is wrong with the body of a task spec (all but name and place); null = nothing. */
declare
    v_text text;
    v_dir text := spec ->> 'workdir';
begin
    v_text := coalesce(
        howdah_private.resources_problem(spec -> 'resources', true),
        howdah_private.command_problem(spec -> 'command'),
        howdah_private.string_map_problem('environment', spec -> 'environment'),
        howdah_private.string_map_problem('labels', spec -> 'labels'));
    if v_text is not null then
        return v_text;
    end if;
    if spec ? 'user' and (jsonb_typeof(spec -> 'user') <> 'string'
                          or not spec ->> 'user' ~ '^[a-zA-Z_][a-zA-Z0-9_.-]{0,31}$') then
        return howdah_private.problem('user', spec -> 'user', 'the name of an OS user');
    end if;
    if spec ? 'workdir' and (jsonb_typeof(spec -> 'workdir') <> 'string' or not howdah_private.name_ok(v_dir)
                             or v_dir ~ '^/' or v_dir ~ '(^|/)\.\.(/|$)') then
        return howdah_private.problem('workdir', spec -> 'workdir', 'a path below the sandbox, without ..');
    end if;
    if spec ? 'kill_grace_s' and (not howdah_private.amount_ok(spec -> 'kill_grace_s', 0)
                                  or (spec ->> 'kill_grace_s')::numeric > 86400) then
        return howdah_private.problem('kill_grace_s', spec -> 'kill_grace_s', 'seconds, 0 to 86400');
    end if;
    if spec ? 'stop_unreachable_s'
       and (jsonb_typeof(spec -> 'stop_unreachable_s') <> 'number'
            or not spec ->> 'stop_unreachable_s' ~ '^[0-9]{1,5}$'
            or (spec ->> 'stop_unreachable_s')::numeric not between 5 and 86400) then
        return howdah_private.problem('stop_unreachable_s', spec -> 'stop_unreachable_s',
                                      'whole seconds, 5 to 86400');
    end if;
    if octet_length(spec::text) > 262144 then
        return howdah_private.problem('spec', to_jsonb(octet_length(spec::text)), 'at most 262144 bytes of JSON');
    end if;
    return null;
end
$$;
comment on function howdah_private.task_spec_problem(jsonb) is
    'what is wrong with the body of a task spec; null = nothing';
revoke all on function howdah_private.task_spec_problem(jsonb) from public;

create or replace function howdah_private.task_place_problem(spec jsonb)
returns text
language plpgsql immutable parallel safe
as $$
/* What is wrong with the form, the name or the place of a task spec; null = nothing. */
declare
    c_uuid constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    v_extra text;
begin
    if jsonb_typeof(spec) is distinct from 'object' then
        return howdah_private.problem('tasks', spec, 'task specs that are objects');
    end if;
    select e.key into v_extra
    from jsonb_object_keys(spec) as e (key)
    where e.key not in ('name', 'offer', 'agent', 'version', 'resources', 'command',
                        'environment', 'user', 'workdir', 'kill_grace_s',
                        'stop_unreachable_s', 'labels')
    limit 1;
    if v_extra is not null then
        return howdah_private.problem(left(v_extra, 40), spec -> v_extra,
                       'only name, offer, agent, version, resources, command, environment, user, '
                       'workdir, kill_grace_s, stop_unreachable_s, labels');
    end if;
    if jsonb_typeof(spec -> 'name') is distinct from 'string' or not howdah_private.name_ok(spec ->> 'name') then
        return howdah_private.problem('name', spec -> 'name',
                       'a string of 1 to 255 characters without controls or blanks at the ends');
    end if;
    if (spec ? 'offer') = (spec ? 'agent') then
        return howdah_private.problem('offer', spec -> 'offer', 'exactly one of offer and agent');
    end if;
    if spec ? 'offer' and not coalesce(spec ->> 'offer' ~ c_uuid, false) then
        return howdah_private.problem('offer', spec -> 'offer', 'the uuid of an offer');
    end if;
    if spec ? 'agent' and not coalesce(spec ->> 'agent' ~ c_uuid, false) then
        return howdah_private.problem('agent', spec -> 'agent', 'the uuid of an agent');
    end if;
    if spec ? 'version' and not howdah_private.amount_ok(spec -> 'version', 0) then
        return howdah_private.problem('version', spec -> 'version', 'the version number of the agent');
    end if;
    return null;
end
$$;
comment on function howdah_private.task_place_problem(jsonb) is
    'what is wrong with name and place of a task spec; null = nothing';
revoke all on function howdah_private.task_place_problem(jsonb) from public;

create or replace function howdah_private.task_body_plain(body jsonb)
returns boolean
language plpgsql immutable parallel safe
as $$
/* True for a valid body that asks for nothing but cpus, mem, disk and gpus. Simple expressions only:
   this runs in every claim. */
declare
    v_resources jsonb := body -> 'resources';
begin
    if jsonb_typeof(v_resources) is distinct from 'object'
       or v_resources - '{cpus,mem,disk,gpus}'::text[] <> '{}'::jsonb
       or not howdah_private.amount_ok(v_resources -> 'cpus', 3)
       or not howdah_private.amount_ok(v_resources -> 'mem', 0)
       or not howdah_private.amount_ok(v_resources -> 'disk', 0)
       or not howdah_private.amount_ok(v_resources -> 'gpus', 0) then
        return false;
    end if;
    if body - '{resources,command}'::text[] = '{}'::jsonb and octet_length(body::text) < 2000 then
        return howdah_private.command_problem(body -> 'command') is null;
    end if;
    return body - '{resources,command,environment,user,workdir,kill_grace_s,stop_unreachable_s,labels}'::text[]
               = '{}'::jsonb
           and howdah_private.task_spec_problem(body) is null;
end
$$;
comment on function howdah_private.task_body_plain(jsonb) is
    'the spec without name and place is valid and asks only for cpus, mem, disk and gpus';
revoke all on function howdah_private.task_body_plain(jsonb) from public;

create or replace function howdah_private.uuid_or_null(value text)
returns uuid
language sql immutable parallel safe
as $$
    -- No counted repetition: that makes a large automaton, and this runs for each task of a claim.
    select case when uuid_or_null.value like '________-____-____-____-____________'
                     and uuid_or_null.value !~ '[^0-9a-fA-F-]'
                     and length(replace(uuid_or_null.value, '-', '')) = 32
                then (uuid_or_null.value)::uuid end;
$$;
comment on function howdah_private.uuid_or_null(text) is 'the text as uuid, or null if it is none';
revoke all on function howdah_private.uuid_or_null(text) from public;
