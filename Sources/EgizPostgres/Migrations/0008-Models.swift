extension Migration {
    /// What models say of things, and the tasks of models in the registry.
    static let models = Migration(
        version: 8, name: "models",
        sql: """
            create table egiz.ml_prediction (
                stage text collate "C" not null,
                partition int not null,
                thing_id text collate "C" not null,
                task text collate "C" not null,
                model text collate "C" not null,
                shadow boolean not null,
                model_version text,
                score float8,
                label text,
                details json,
                error json,
                revision bigint not null,
                event_time timestamptz not null,
                input_topic text collate "C",
                input_partition int,
                input_offset bigint,
                output_topic text collate "C" not null,
                output_partition int not null,
                output_offset bigint not null,
                latency_ms float8 not null,
                updated_at timestamptz not null default clock_timestamp(),
                primary key (thing_id, task, model, shadow)
            ) with (fillfactor = 70);
            comment on table egiz.ml_prediction is 'The last answer of each model about each thing; either a prediction or an error.';
            comment on column egiz.ml_prediction.input_topic is 'With partition and offset the record that made the thing what the model was asked about.';
            comment on column egiz.ml_prediction.output_topic is 'With partition and offset the record of ml.output.v1.<task> that holds the answer.';
            comment on column egiz.ml_prediction.shadow is 'Of a model beside the first: nobody acts on it.';

            create table egiz.ml_task (
                task text collate "C" primary key check (task ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$'),
                settings jsonb not null check (jsonb_typeof(settings) = 'object'),
                enabled boolean not null default true,
                updated_at timestamptz not null default clock_timestamp()
            );
            comment on table egiz.ml_task is 'Tasks of models for `ml-fan-out`. A change is in force within 2 s.';
            comment on column egiz.ml_task.settings is 'The words of a task, as a topology file has them: model, twins, trigger, every, features, writeTo.';
            create trigger changed after insert or update or delete or truncate on egiz.ml_task
                for each statement execute function egiz.registry_changed();
            """)
}
