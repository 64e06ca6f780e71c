extension Migration {
    /// The registry: types with what is declared on them, registered twins and their relations, 3D models, models and whom their tasks
    /// are for, and the events that tell of every change. Only adds: programs of the version before go on without.
    static let registry = Migration(
        version: 12, name: "registry",
        sql: """
            alter table egiz.twin_type
                add column version bigint not null default 1,
                add column definition jsonb not null default '{}' check (jsonb_typeof(definition) = 'object'),
                add column created_at timestamptz not null default clock_timestamp(),
                add column updated_at timestamptz not null default clock_timestamp();
            comment on column egiz.twin_type.version is 'Rises with every change; the texts of all versions are in twin_type_version.';
            comment on column egiz.twin_type.definition is 'What is declared on the type: description, schema, policy, units, bindings, alertRules, mlTasks.';

            create table egiz.twin_type_version (
                twin_type text collate "C" not null references egiz.twin_type on delete cascade,
                version bigint not null,
                parent text collate "C",
                definition jsonb not null,
                written_at timestamptz not null default clock_timestamp(),
                primary key (twin_type, version)
            );
            comment on table egiz.twin_type_version is 'Every version of every type.';
            insert into egiz.twin_type_version (twin_type, version, parent, definition)
            select twin_type, version, parent, definition from egiz.twin_type;

            alter table egiz.data_bindings_3d
                add column version bigint not null default 1,
                add column declared boolean not null default false,
                add column created_at timestamptz not null default clock_timestamp();
            create index data_bindings_3d_by_thing on egiz.data_bindings_3d (thing_id) where thing_id is not null;
            create index data_bindings_3d_by_type on egiz.data_bindings_3d (twin_type) where twin_type is not null;
            comment on column egiz.data_bindings_3d.declared is 'Written with its type''s document, which alone changes it.';

            alter table egiz.ml_task
                add column version bigint not null default 1,
                add column bound boolean not null default false,
                add column created_at timestamptz not null default clock_timestamp();
            comment on column egiz.ml_task.bound is 'Only of twins that ml_task_binding, or a type that declares it, names; false: of all that the settings name.';

            create table egiz.ml_task_binding (
                binding_id bigint generated always as identity primary key,
                task text collate "C" not null references egiz.ml_task on delete cascade,
                twin_type text collate "C",
                thing_id text collate "C",
                created_at timestamptz not null default clock_timestamp(),
                check ((twin_type is null) <> (thing_id is null)),
                unique (task, twin_type),
                unique (task, thing_id)
            );
            create index ml_task_binding_by_thing on egiz.ml_task_binding (thing_id) where thing_id is not null;
            comment on table egiz.ml_task_binding is 'Whom a task of models is for: a type with its descendants, or one thing.';

            create table egiz.ml_model (
                model text collate "C" primary key check (model ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$'),
                settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
                version bigint not null default 1,
                created_at timestamptz not null default clock_timestamp(),
                updated_at timestamptz not null default clock_timestamp()
            );
            comment on table egiz.ml_model is 'Models of machine learning as people know them; where they answer is said in topologies.';

            create table egiz.model_3d (
                model_id uuid primary key default gen_random_uuid(),
                project_id uuid references egiz.project on delete cascade,
                name text not null,
                media_type text not null check (media_type in ('model/gltf-binary', 'model/gltf+json')),
                bytes bigint not null check (bytes > 0),
                sha256 text not null,
                nodes jsonb not null default '[]' check (jsonb_typeof(nodes) = 'array'),
                transform jsonb not null default '{}' check (jsonb_typeof(transform) = 'object'),
                version bigint not null default 1,
                created_at timestamptz not null default clock_timestamp(),
                updated_at timestamptz not null default clock_timestamp()
            );
            create index model_3d_by_project on egiz.model_3d (project_id, model_id);
            comment on table egiz.model_3d is '3D models in glTF 2.0; without a project they are for everybody.';

            create table egiz.model_3d_chunk (
                model_id uuid not null references egiz.model_3d on delete cascade,
                number int not null check (number >= 0),
                data bytea not null check (octet_length(data) between 1 and 1048576),
                primary key (model_id, number)
            );
            alter table egiz.model_3d_chunk alter column data set storage external;
            comment on table egiz.model_3d_chunk is 'The file of a model, in pieces of 1 MiB.';

            create table egiz.twin_registration (
                thing_id text collate "C" primary key,
                namespace text collate "C" not null generated always as (split_part(thing_id, ':', 1)) stored,
                twin_type text collate "C",
                model_id uuid references egiz.model_3d on delete set null,
                metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
                version bigint not null default 1,
                created_at timestamptz not null default clock_timestamp(),
                updated_at timestamptz not null default clock_timestamp()
            );
            create index twin_registration_by_type on egiz.twin_registration (twin_type, thing_id) where twin_type is not null;
            comment on table egiz.twin_registration is 'What people say of a twin; what its device says is egiz.twin.';
            comment on column egiz.twin_registration.twin_type is 'The type where the device tells no definition.';

            create table egiz.twin_relation (
                thing_id text collate "C" not null,
                kind text collate "C" not null check (kind ~ '^[a-z][A-Za-z0-9]{0,63}$'),
                other_id text collate "C" not null,
                created_at timestamptz not null default clock_timestamp(),
                primary key (thing_id, kind, other_id),
                check (thing_id <> other_id)
            );
            create index twin_relation_by_other on egiz.twin_relation (other_id, kind, thing_id);
            create unique index twin_relation_parent on egiz.twin_relation (thing_id) where kind = 'parent';
            comment on table egiz.twin_relation is 'thing_id has other_id as its parent, is part of it, or whatever the kind says.';

            create table egiz.registry_event (
                event_id bigint generated always as identity primary key,
                kind text not null,
                subject text not null,
                action text not null check (action in ('created', 'updated', 'deleted')),
                version bigint,
                project_id uuid,
                happened_at timestamptz not null default clock_timestamp(),
                published_at timestamptz
            );
            create index registry_event_unsent on egiz.registry_event (event_id) where published_at is null;
            comment on table egiz.registry_event is 'Changes of the registry, until framework.notifications.v1.registry has them and a week longer.';

            create function egiz.registry_version_raised() returns trigger language plpgsql as $$
            begin
                if new is distinct from old then
                    new.version := old.version + 1;
                    new.updated_at := clock_timestamp();
                end if;
                return new;
            end $$;

            create function egiz.twin_type_noted() returns trigger language plpgsql as $$
            begin
                insert into egiz.twin_type_version (twin_type, version, parent, definition)
                values (new.twin_type, new.version, new.parent, new.definition)
                on conflict (twin_type, version) do update set parent = excluded.parent, definition = excluded.definition;
                return null;
            end $$;

            -- Arguments: kind of the event, column of its subject. The lock makes ids rise in the order of commits.
            create function egiz.registry_event_noted() returns trigger language plpgsql as $$
            declare
                present jsonb;
            begin
                if tg_op = 'UPDATE' then
                    if new is not distinct from old then
                        return null;
                    end if;
                end if;
                if tg_op = 'DELETE' then present := to_jsonb(old); else present := to_jsonb(new); end if;
                perform pg_advisory_xact_lock(6567697);
                insert into egiz.registry_event (kind, subject, action, version, project_id)
                values (
                    tg_argv[0], present ->> tg_argv[1],
                    case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end,
                    coalesce(present ->> 'version', present ->> 'wanted_version')::bigint,
                    case when present ? 'project_id' then (present ->> 'project_id')::uuid
                        when present ->> 'thing_id' is not null then egiz.project_of(present ->> 'thing_id')
                        when present ->> 'twin_type' is not null then egiz.project_of_type(present ->> 'twin_type') end);
                return null;
            end $$;

            do $$
            declare
                watched record;
            begin
                for watched in select * from (values
                    ('twin_type', 'twin-type', 'twin_type'), ('data_bindings_3d', 'binding', 'binding_id'),
                    ('ml_task', 'ml-task', 'task'), ('ml_task_binding', 'ml-task-binding', 'task'),
                    ('ml_model', 'ml-model', 'model'), ('model_3d', 'model', 'model_id'),
                    ('twin_registration', 'twin', 'thing_id'), ('twin_relation', 'relation', 'thing_id'),
                    ('deployment', 'topology', 'topology')) as list (name, kind, subject)
                loop
                    execute format('create trigger registry_event after insert or update or delete on egiz.%I '
                        'for each row execute function egiz.registry_event_noted(%L, %L)',
                        watched.name, watched.kind, watched.subject);
                end loop;
                for watched in select unnest(array['twin_type', 'data_bindings_3d', 'ml_task', 'ml_model', 'model_3d',
                    'twin_registration']) as name
                loop
                    execute format('create trigger raised before update on egiz.%I '
                        'for each row execute function egiz.registry_version_raised()', watched.name);
                end loop;
            end $$;
            create trigger noted after insert or update on egiz.twin_type
                for each row execute function egiz.twin_type_noted();
            create trigger changed after insert or update or delete or truncate on egiz.ml_task_binding
                for each statement execute function egiz.registry_changed();
            create trigger changed after insert or update of twin_type or delete or truncate on egiz.twin_registration
                for each statement execute function egiz.registry_changed();
            """)
}
