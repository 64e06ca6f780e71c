extension Migration {
    /// Users, their sessions and keys, projects and what belongs to them, and the audit log. Only adds.
    static let accounts = Migration(
        version: 11, name: "accounts",
        sql: """
            create table egiz.account (
                user_id uuid primary key default gen_random_uuid(),
                email text collate "C" unique,
                name text not null default '',
                password_hash text,
                is_admin boolean not null default false,
                issuer text collate "C",
                subject text collate "C",
                created_at timestamptz not null default now(),
                password_changed_at timestamptz,
                disabled_at timestamptz,
                revision bigint not null default 1,
                unique (issuer, subject),
                check ((issuer is null) = (subject is null))
            );
            comment on table egiz.account is 'People who may sign in.';
            comment on column egiz.account.email is 'In small letters; null: an outside identity provider gave none that was free.';
            comment on column egiz.account.password_hash is 'scrypt with its parameters; null: signs in with an outside identity provider only.';

            create table egiz.session (
                session_id uuid primary key default gen_random_uuid(),
                user_id uuid not null references egiz.account on delete cascade,
                created_at timestamptz not null default now(),
                expires_at timestamptz not null,
                revoked_at timestamptz,
                revoked_for text,
                remote_address text,
                user_agent text
            );
            create index session_user_id on egiz.session (user_id) where revoked_at is null;
            create index session_expires_at on egiz.session (expires_at);
            comment on table egiz.session is 'A sign-in: a family of refresh tokens, each of which replaces the one before.';

            create table egiz.refresh_token (
                token_hash bytea primary key,
                session_id uuid not null references egiz.session on delete cascade,
                issued_at timestamptz not null default now(),
                used_at timestamptz
            );
            create index refresh_token_session_id on egiz.refresh_token (session_id);
            comment on table egiz.refresh_token is 'SHA-256 of tokens; a used one that comes again revokes its session.';

            create table egiz.login_failure (
                subject bytea primary key,
                failures bigint not null,
                last_at timestamptz not null,
                locked_until timestamptz
            );
            create index login_failure_last_at on egiz.login_failure (last_at);
            comment on table egiz.login_failure is 'Failed logins in a row by SHA-256 of the e-mail address, whether or not there is such an account.';

            create table egiz.project (
                project_id uuid primary key default gen_random_uuid(),
                name text not null,
                description text not null default '',
                created_at timestamptz not null default now(),
                created_by uuid references egiz.account on delete set null,
                revision bigint not null default 1
            );
            create table egiz.project_member (
                project_id uuid not null references egiz.project on delete cascade,
                user_id uuid not null references egiz.account on delete cascade,
                role text not null check (role in ('viewer', 'editor', 'owner')),
                added_at timestamptz not null default now(),
                primary key (project_id, user_id)
            );
            create index project_member_user_id on egiz.project_member (user_id);
            create table egiz.project_namespace (
                namespace text collate "C" primary key,
                project_id uuid not null references egiz.project on delete cascade,
                added_at timestamptz not null default now()
            );
            create index project_namespace_project_id on egiz.project_namespace (project_id);
            create table egiz.project_thing (
                thing_id text collate "C" primary key,
                project_id uuid not null references egiz.project on delete cascade,
                added_at timestamptz not null default now()
            );
            create index project_thing_project_id on egiz.project_thing (project_id);
            comment on table egiz.project_thing is 'Things that belong to a project although their namespace does not.';

            create function egiz.project_of(thing_id text) returns uuid language sql stable parallel safe as $$
                select coalesce(
                    (select project_id from egiz.project_thing owned where owned.thing_id = $1),
                    (select project_id from egiz.project_namespace owned where owned.namespace = split_part($1, ':', 1)))
            $$;
            create function egiz.project_of_type(twin_type text) returns uuid language sql stable parallel safe as $$
                select project_id from egiz.project_namespace owned where owned.namespace = split_part($1, ':', 1)
            $$;
            comment on function egiz.project_of_type is 'The project of a type of twins: by its namespace alone; null: nobody''s.';
            comment on function egiz.project_of is 'The project of a thing: by registration, else by namespace; null: nobody''s.';

            create table egiz.api_key (
                key_id uuid primary key default gen_random_uuid(),
                user_id uuid not null references egiz.account on delete cascade,
                name text not null,
                prefix text not null,
                key_hash bytea not null unique,
                role text not null check (role in ('viewer', 'editor', 'owner')),
                is_admin boolean not null default false,
                project_ids uuid[],
                created_at timestamptz not null default now(),
                expires_at timestamptz not null,
                last_used_at timestamptz,
                revoked_at timestamptz
            );
            create index api_key_user_id on egiz.api_key (user_id);
            comment on column egiz.api_key.role is 'The most that it may do in a project; less where its owner may do less.';
            comment on column egiz.api_key.project_ids is 'Null: all projects of its owner.';

            create table egiz.invitation (
                invitation_id uuid primary key default gen_random_uuid(),
                project_id uuid not null references egiz.project on delete cascade,
                email text collate "C" not null,
                role text not null check (role in ('viewer', 'editor', 'owner')),
                token_hash bytea not null unique,
                invited_by uuid references egiz.account on delete set null,
                created_at timestamptz not null default now(),
                expires_at timestamptz not null,
                accepted_at timestamptz,
                accepted_by uuid references egiz.account on delete set null
            );
            create index invitation_project_id on egiz.invitation (project_id);

            create table egiz.audit (
                audit_id bigint primary key,
                at timestamptz not null,
                actor text collate "C" not null,
                actor_name text not null,
                action text collate "C" not null,
                object text collate "C" not null,
                project_id uuid,
                before json,
                after json,
                remote_address text,
                request_id text,
                previous bytea not null,
                hash bytea not null
            );
            create index audit_object on egiz.audit (object, audit_id);
            create index audit_actor on egiz.audit (actor, audit_id);
            create index audit_project_id on egiz.audit (project_id, audit_id) where project_id is not null;
            create index audit_at on egiz.audit (at);
            comment on table egiz.audit is 'Who changed what. Only grows; each row''s hash covers the row and the hash before it: egiz audit verify.';
            create table egiz.audit_head (
                singleton boolean primary key default true check (singleton),
                audit_id bigint not null,
                hash bytea not null
            );
            insert into egiz.audit_head (audit_id, hash) values (0, sha256('egiz audit'));
            comment on table egiz.audit_head is 'The end of the chain; its row lock puts writers in order.';

            create function egiz.audit_append() returns trigger language plpgsql as $$
            begin
                select head.audit_id + 1, head.hash into new.audit_id, new.previous from egiz.audit_head head for update;
                new.at := clock_timestamp();
                new.hash := sha256(new.previous || convert_to(json_build_array(
                    new.audit_id, (extract(epoch from new.at) * 1000000)::bigint, new.actor, new.actor_name, new.action,
                    new.object, new.project_id::text, new.before::text, new.after::text, new.remote_address,
                    new.request_id)::text, 'UTF8'));
                update egiz.audit_head set audit_id = new.audit_id, hash = new.hash;
                return new;
            end
            $$;
            create trigger audit_append before insert on egiz.audit for each row execute function egiz.audit_append();

            create function egiz.audit_refuse() returns trigger language plpgsql as $$
            begin
                raise exception 'the audit log only grows' using errcode = '42501';
            end
            $$;
            create trigger audit_refuse before update or delete on egiz.audit for each row execute function egiz.audit_refuse();
            create trigger audit_refuse_truncate before truncate on egiz.audit
                for each statement execute function egiz.audit_refuse();
            """)
}
