extension Migration {
    /// What shall run, who runs it, and what was refused. What was active before is deployed.
    static let deployments = Migration(
        version: 4, name: "deployments",
        sql: """
            alter table egiz.topology add column origin text;
            comment on column egiz.topology.origin is 'What stored the version: apply, rollback, a worker, a folder.';

            create table egiz.deployment (
                topology text collate "C" primary key,
                wanted_version bigint not null,
                running_version bigint,
                state text not null default 'running' check (state in ('running', 'paused', 'deleted')),
                restarts bigint not null default 0,
                changed_at timestamptz not null default clock_timestamp(),
                foreign key (topology, wanted_version) references egiz.topology (name, version)
            );
            comment on table egiz.deployment is 'What shall run. The running version follows the wanted one when all live workers have prepared it.';

            insert into egiz.deployment (topology, wanted_version, running_version)
            select distinct on (name) name, version, version from egiz.topology where active order by name, version desc;

            create table egiz.worker (
                worker_id text collate "C" primary key,
                host text not null,
                pid int not null,
                scope text[],
                started_at timestamptz not null default clock_timestamp(),
                seen_at timestamptz not null default clock_timestamp()
            ) with (fillfactor = 50);
            comment on table egiz.worker is 'Workers that live, or did a minute ago.';
            comment on column egiz.worker.scope is 'The only topologies it runs; null: all that are deployed.';

            create table egiz.topology_worker (
                worker_id text collate "C" not null references egiz.worker on delete cascade,
                topology text collate "C" not null,
                prepared_version bigint,
                running_version bigint,
                refused_version bigint,
                state text not null,
                error text,
                changed_at timestamptz not null default clock_timestamp(),
                primary key (worker_id, topology)
            );
            comment on table egiz.topology_worker is 'What each worker says of each topology.';

            create table egiz.topology_file (
                host text not null,
                path text collate "C" not null,
                folder text collate "C" not null,
                message text not null,
                noted_at timestamptz not null default clock_timestamp(),
                primary key (host, path)
            );
            comment on table egiz.topology_file is 'Files of watched folders that are refused at present, and why.';
            """)
}
