extension Migration {
    /// Old entries of the audit log may go, by a cut that is itself an entry.
    static let auditRetention = Migration(
        version: 15, name: "audit-retention",
        sql: """
            create table egiz.audit_checkpoint (
                singleton boolean primary key default true check (singleton),
                through_id bigint not null,
                hash bytea not null
            );
            insert into egiz.audit_checkpoint (through_id, hash) values (0, sha256('egiz audit'));
            comment on table egiz.audit_checkpoint is
                'Up to which entry the audit log was cut, and that entry''s hash, where the chain goes on; the last entry audit.cut says the same.';

            create function egiz.audit_checkpoint_guard() returns trigger language plpgsql as $$
            begin
                if tg_op = 'UPDATE' then
                    if new.through_id > old.through_id then
                        return new;
                    end if;
                end if;
                raise exception 'the checkpoint of the audit log only moves on' using errcode = '42501';
            end
            $$;
            create trigger guard before update or delete on egiz.audit_checkpoint
                for each row execute function egiz.audit_checkpoint_guard();
            create trigger guard_truncate before truncate on egiz.audit_checkpoint
                for each statement execute function egiz.audit_checkpoint_guard();

            create or replace function egiz.audit_refuse() returns trigger language plpgsql as $$
            begin
                if tg_op = 'DELETE' then
                    if exists (select from egiz.audit_checkpoint where through_id >= old.audit_id) then
                        return old;
                    end if;
                end if;
                raise exception 'the audit log only grows' using errcode = '42501';
            end
            $$;

            -- Takes away what was written before a time: the oldest entries, without a gap, up to `most` of them and none beyond `verified`.
            create function egiz.audit_cut(keep_since timestamptz, most bigint, verified bigint, cut_by text, cut_by_name text)
                returns bigint language plpgsql as $$
            declare
                start bigint;
                last bigint;
                last_hash bytea;
            begin
                select audit_id into last from egiz.audit_head for update;
                select through_id into start from egiz.audit_checkpoint for update;
                last := least(last, verified, start + most, coalesce(
                    (select audit_id - 1 from egiz.audit where at >= keep_since order by audit_id limit 1), last));
                if last <= start then
                    return 0;
                end if;
                select hash into strict last_hash from egiz.audit where audit_id = last;
                insert into egiz.audit (actor, actor_name, action, object, after)
                values (cut_by, cut_by_name, 'audit.cut', 'audit:' || last, json_build_object(
                    'through', last, 'hash', encode(last_hash, 'hex'), 'removed', last - start));
                update egiz.audit_checkpoint set through_id = last, hash = last_hash;
                delete from egiz.audit where audit_id <= last;
                return last - start;
            end
            $$;
            """)
}
