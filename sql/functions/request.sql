-- SPDX-License-Identifier: PostgreSQL
-- Demand: a framework says what it still needs, beyond what its tasks hold. Offers go by it
-- (offer_policy.sql); claims neither read nor change it.

create or replace function howdah_private.request_problem(request jsonb)
returns text
language sql immutable parallel safe
as $$
    /* What is wrong with one request; null = nothing. */
    select case
        when jsonb_typeof(request) <> 'object' then
            howdah_private.problem('requests', request, 'requests that are objects')
        when request - '{count,resources,constraints}'::text[] <> '{}' then
            howdah_private.problem('requests', request, 'only count, resources, constraints')
        when not request ? 'count' or not howdah_private.amount_ok(request -> 'count', 0)
             or (request -> 'count')::numeric not between 1 and 1000000 then
            howdah_private.problem('count', request -> 'count', 'a whole number from 1 to 1000000')
        else coalesce(
            howdah_private.resources_problem(request -> 'resources', true),
            case when not exists (select 1 from howdah_private.resource_amounts(request -> 'resources') a
                                  where a.amount > 0) then
                howdah_private.problem('resources', request -> 'resources', 'some resource above 0') end,
            howdah_private.constraints_problem('constraints', request -> 'constraints'))
        end;
$$;
comment on function howdah_private.request_problem(jsonb) is
    'what is wrong with one request; null = nothing';
revoke all on function howdah_private.request_problem(jsonb) from public;

create or replace function howdah_private.requests_check(requests jsonb)
returns void
language plpgsql
as $$
declare
    v_problem text;
    v_n bigint;
begin
    if jsonb_typeof(requests) <> 'array' or jsonb_array_length(requests) > 1000 then
        perform howdah_private.raise('value_invalid', 'request', 'requests', left(requests::text, 200),
                                     'a list of at most 1000 requests');
    end if;
    select p.problem, e.n into v_problem, v_n
    from jsonb_array_elements(requests) with ordinality as e (request, n)
    cross join lateral (select howdah_private.request_problem(e.request) as problem) p
    where p.problem is not null
    order by e.n
    limit 1;
    if found then
        perform howdah_private.raise('value_invalid', 'request', format('requests[%s]', v_n - 1),
                                     (requests -> (v_n - 1)::integer)::text, 'a good request; ' || v_problem);
    end if;
end
$$;
comment on function howdah_private.requests_check(jsonb) is 'refuse a bad list of requests';
revoke all on function howdah_private.requests_check(jsonb) from public;

create or replace function howdah_private.requests_clear(frameworks uuid[])
returns void
language sql
as $$
    /* What these frameworks said they need is forgotten: they ended, or a new instance took over. */
    delete from howdah_private.request r where r.framework_id = any (frameworks);
    update howdah_private.framework f set requested_at = null
    where f.framework_id = any (frameworks) and f.requested_at is not null;
$$;
comment on function howdah_private.requests_clear(uuid[]) is 'forget what frameworks said they need';
revoke all on function howdah_private.requests_clear(uuid[]) from public;

create or replace function howdah.request(framework_id uuid, epoch bigint, requests jsonb)
returns void
language plpgsql security definer
set search_path = howdah_private, pg_catalog, pg_temp
as $$
/* Say what the framework still needs beyond what its tasks hold; replaces what it said before. [] says
   that it needs nothing more, null takes the statement back: who says nothing counts as wanting all it
   can get. It is a statement, not a queue: nothing is placed by it, and a claim does not lower it.

   select howdah.request(:id, :epoch, '[{"count": 20, "resources": {"cpus": 2, "mem": 4096},
                                         "constraints": {"attributes": {"zone": ["a", "b"]}}}]');

   Errors: as every framework call, value_invalid. */
#variable_conflict use_column
begin
    perform framework_enter('request', request.framework_id, request.epoch);
    if request.requests is null then
        perform requests_clear(array[request.framework_id]);
        perform bell_ring();
        return;
    end if;
    perform requests_check(request.requests);
    perform 1 from framework f where f.framework_id = request.framework_id for no key update;
    delete from request r where r.framework_id = request.framework_id;
    insert into request (framework_id, n, count, cpus_milli, mem, disk, gpus, resources, constraints)
    select request.framework_id, e.n, (e.value ->> 'count')::numeric::integer,
           coalesce((r.resources -> 'cpus')::numeric * 1000, 0), coalesce((r.resources -> 'mem')::bigint, 0),
           coalesce((r.resources -> 'disk')::bigint, 0), coalesce((r.resources -> 'gpus')::bigint, 0),
           r.resources, e.value -> 'constraints'
    from jsonb_array_elements(request.requests) with ordinality as e (value, n)
    cross join lateral (select e.value -> 'resources' as resources) r;
    update framework f set requested_at = now() where f.framework_id = request.framework_id;
    perform bell_ring();
end
$$;
comment on function howdah.request(uuid, bigint, jsonb) is 'say what a framework still needs';
revoke all on function howdah.request(uuid, bigint, jsonb) from public;
grant execute on function howdah.request(uuid, bigint, jsonb) to howdah_framework, howdah_operator;
