extension Migration {
    /// What bindings and alert rules need: their projections, the registry of rules, and the inbox of tasks.
    static let rules = Migration(
        version: 7, name: "rules",
        sql: """
            create table egiz.scene (
                stage text collate "C" not null,
                partition int not null,
                thing_id text collate "C" not null,
                object_name text collate "C" not null,
                target text collate "C" not null,
                value json not null,
                revision bigint not null,
                event_time timestamptz not null,
                cause_topic text collate "C",
                cause_partition int,
                cause_offset bigint,
                updated_at timestamptz not null default clock_timestamp(),
                primary key (thing_id, object_name, target)
            ) with (fillfactor = 70);
            comment on table egiz.scene is 'Properties of the objects of 3D models, as bindings set them; written where a value changes.';
            comment on column egiz.scene.cause_topic is 'With partition and offset the record that changed the value; null where a change of the bindings did.';

            create table egiz.alert (
                stage text collate "C" not null,
                partition int not null,
                processor text collate "C" not null,
                thing_id text collate "C" not null,
                alert_key text collate "C" not null,
                rule text collate "C" not null,
                severity text not null check (severity in ('info', 'warning', 'error', 'critical')),
                state text not null check (state in ('raised', 'acknowledged', 'cleared')),
                message text not null,
                raised_at timestamptz not null,
                updated_at timestamptz not null,
                acknowledged_at timestamptz,
                acknowledged_by text,
                cleared_at timestamptz,
                revision bigint not null,
                cause_topic text collate "C",
                cause_partition int,
                cause_offset bigint,
                alert_id bigint generated always as identity unique,
                primary key (thing_id, alert_key, raised_at, processor)
            ) with (fillfactor = 80);
            create index alert_open on egiz.alert (raised_at, alert_id) where cleared_at is null;
            create index alert_by_time on egiz.alert (raised_at, alert_id);
            comment on table egiz.alert is 'Alerts from their raising to their clearing; times are those of events and timers.';
            comment on column egiz.alert.cause_topic is 'With partition and offset the record of the last change; null where a timer or a person made it.';

            create table egiz.alert_note (
                note_id bigint generated always as identity primary key,
                alert_id bigint not null references egiz.alert (alert_id) on delete cascade,
                assignee text,
                note text,
                written_by text,
                written_at timestamptz not null default clock_timestamp()
            );
            create index alert_note_by_alert on egiz.alert_note (alert_id, note_id);
            comment on table egiz.alert_note is 'What people write of alerts and whom they give them to: of the API, joined at read. Only egiz.alert is the engine''s.';

            create view egiz.alerts as
                select alert.*, assigned.assignee
                from egiz.alert
                left join lateral (
                    select assignee from egiz.alert_note
                    where alert_note.alert_id = alert.alert_id and alert_note.assignee is not null
                    order by note_id desc limit 1
                ) assigned on true;
            comment on view egiz.alerts is 'All alerts, with whom they are given to.';

            create table egiz.inbox (
                message_id bigint generated always as identity primary key,
                stage text collate "C" not null,
                partition int not null,
                processor text collate "C" not null,
                thing_id text collate "C" not null,
                action text not null check (action in ('acknowledge', 'clear')),
                subject text not null,
                requested_by text,
                requested_at timestamptz not null default clock_timestamp()
            );
            create index inbox_by_task on egiz.inbox (stage, partition, message_id);
            comment on table egiz.inbox is 'What people ask of processors; the owner of the task consumes it in an epoch, which deletes the row.';

            create table egiz.registry (
                singleton boolean primary key default true check (singleton),
                version bigint not null default 1
            );
            insert into egiz.registry default values;
            comment on table egiz.registry is 'One row: rises with every change of twin_type and data_bindings_3d.';

            create table egiz.twin_type (
                twin_type text collate "C" primary key,
                parent text collate "C",
                check (parent <> twin_type)
            );
            comment on table egiz.twin_type is 'Types of twins (definitions) and the types they descend from.';

            create table egiz.data_bindings_3d (
                binding_id bigint generated always as identity primary key,
                twin_type text collate "C",
                thing_id text collate "C",
                object_name text not null,
                target text not null,
                path text,
                expression text,
                mapping jsonb not null default '{}' check (jsonb_typeof(mapping) = 'object'),
                enabled boolean not null default true,
                updated_at timestamptz not null default clock_timestamp(),
                check ((twin_type is null) <> (thing_id is null)),
                check (path is not null or expression is not null)
            );
            comment on table egiz.data_bindings_3d is 'Bindings of a type of twins, which its descendants inherit, or of one thing. A change is in force within 2 s.';
            comment on column egiz.data_bindings_3d.mapping is 'The other words of a binding, as a topology file has them: range, steps, hysteresis, map, format, unit, default.';

            create function egiz.registry_changed() returns trigger language plpgsql as $$
            begin
                update egiz.registry set version = version + 1;
                return null;
            end $$;
            create trigger changed after insert or update or delete or truncate on egiz.twin_type
                for each statement execute function egiz.registry_changed();
            create trigger changed after insert or update or delete or truncate on egiz.data_bindings_3d
                for each statement execute function egiz.registry_changed();

            alter table egiz.task
                add column registry_version bigint,
                add column rules_fingerprint bigint,
                add column reviewed_through text collate "C";
            comment on column egiz.task.registry_version is 'Of egiz.registry, in force at the offsets.';
            comment on column egiz.task.rules_fingerprint is 'Of all rules in force; null: it never had any.';
            comment on column egiz.task.reviewed_through is 'The last thing that was looked at again after rules changed; null: all were.';
            create index twin_by_task on egiz.twin (stage, partition, thing_id);
            """)
}
