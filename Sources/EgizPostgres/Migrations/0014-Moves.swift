extension Migration {
    /// Which things changed hands, and registrations that changed nothing for processors.
    static let moves = Migration(
        version: 14, name: "moves",
        sql: """
            create table egiz.belonging_change (
                change_id bigint generated always as identity primary key,
                subject text collate "C" not null,
                is_namespace boolean not null,
                before_project uuid,
                after_project uuid
            );
            comment on table egiz.belonging_change is
                'At least the last 10,000 moves of things and namespaces between projects: live push begins anew for whom they concern.';

            -- The lock, that of whoever changes belongings, makes ids rise in the order of commits.
            create function egiz.belonging_noted() returns trigger language plpgsql as $$
            declare
                whole boolean := tg_table_name = 'project_namespace';
                name text;
                before uuid;
                after uuid;
                made bigint;
            begin
                perform pg_advisory_xact_lock(x'62656c6f6e6773'::bigint);
                if whole then
                    if tg_op = 'DELETE' then name := old.namespace; else name := new.namespace; end if;
                else
                    if tg_op = 'DELETE' then name := old.thing_id; else name := new.thing_id; end if;
                    -- Who is not registered is the namespace's.
                    select project_id into before from egiz.project_namespace where namespace = split_part(name, ':', 1);
                    after := before;
                end if;
                if tg_op <> 'INSERT' then before := old.project_id; end if;
                if tg_op <> 'DELETE' then after := new.project_id; end if;
                if before is distinct from after then
                    insert into egiz.belonging_change (subject, is_namespace, before_project, after_project)
                    values (name, whole, before, after) returning change_id into made;
                    -- Now and then: a project that goes may take tens of thousands of things along, and each look is longer than the last.
                    if made % 1000 = 0 then
                        delete from egiz.belonging_change where change_id <= made - 10000;
                    end if;
                end if;
                return null;
            end $$;
            create trigger noted after insert or update or delete on egiz.project_namespace
                for each row execute function egiz.belonging_noted();
            create trigger noted after insert or update or delete on egiz.project_thing
                for each row execute function egiz.belonging_noted();

            -- Processors need to know the types of registered twins, and nothing else of them.
            create function egiz.registration_changed() returns trigger language plpgsql as $$
            declare
                is_other boolean;
            begin
                if tg_op = 'INSERT' then
                    select exists (select from added where twin_type is not null) into is_other;
                elsif tg_op = 'DELETE' then
                    select exists (select from removed where twin_type is not null) into is_other;
                else
                    select exists (
                        select from removed full join added using (thing_id)
                        where removed.twin_type is distinct from added.twin_type) into is_other;
                end if;
                if is_other then
                    update egiz.registry set version = version + 1;
                end if;
                return null;
            end $$;
            drop trigger changed on egiz.twin_registration;
            create trigger changed_truncate after truncate on egiz.twin_registration
                for each statement execute function egiz.registry_changed();
            create trigger changed_insert after insert on egiz.twin_registration
                referencing new table as added for each statement execute function egiz.registration_changed();
            create trigger changed_update after update on egiz.twin_registration
                referencing old table as removed new table as added
                for each statement execute function egiz.registration_changed();
            create trigger changed_delete after delete on egiz.twin_registration
                referencing old table as removed for each statement execute function egiz.registration_changed();

            create index ml_prediction_by_task on egiz.ml_prediction (task, thing_id, model, shadow);

            -- Lists do not read the nodes themselves.
            alter table egiz.model_3d add column node_count bigint not null default 0;
            alter table egiz.model_3d disable trigger user;
            update egiz.model_3d set node_count = jsonb_array_length(nodes);
            alter table egiz.model_3d enable trigger user;
            """)
}
