/// The HELP lines of what the engine counts; the runtime names its metrics, the registry explains them.
enum EngineMetrics {
    static func describe(in registry: PrometheusRegistry) {
        for (name, help) in [
            ("egiz_records_total", "Records processed and committed, by stage."),
            ("egiz_samples_total", "Samples of history committed, by stage."),
            ("egiz_dead_letters_total", "Records set aside as dead letters, by stage."),
            ("egiz_scene_changes_total", "Values of scenes that bindings changed, committed, by stage."),
            ("egiz_alerts_raised_total", "Alerts raised, committed, by stage."),
            ("egiz_rule_errors_total", "Values on which a rule, a filter or a map failed, committed, by stage."),
            (
                "egiz_filtered_total",
                "Events that filters held back, letters that a handler has already, committed, by stage."
            ),
            ("egiz_emitted_total", "Records for Kafka, dead letters included, committed, by stage."),
            ("egiz_late_samples_total", "Samples that came too late for their window, committed, by stage."),
            ("egiz_redriven_total", "Dead letters that were tried again, committed, by stage."),
            ("egiz_questions_total", "Questions to models that were written, committed, by stage."),
            ("egiz_predictions_total", "Answers of models that were kept, committed, by stage."),
            ("egiz_answered_total", "Records that a caller asked about to the end, committed, by stage."),
            ("egiz_call_faults_total", "Records that a caller gave up, committed, by stage."),
            ("egiz_calls_dropped_total", "Records that were too old to be asked about, committed, by stage."),
            ("egiz_commits_total", "Epochs committed, by stage."),
            ("egiz_commit_duration_seconds", "Time that the commit of an epoch took, by stage."),
            ("egiz_lag_records", "Records between the committed positions and the ends of the log, by stage."),
            (
                "egiz_stage_waiting",
                "1 while a stream thread waits for the part: log, group, store, commit, output, parking, endpoint."
            ),
            ("egiz_calls_total", "Calls that callers made, by stage, endpoint and outcome."),
            ("egiz_call_duration_seconds", "Time that calls took, by stage and endpoint."),
            ("egiz_calls_open", "Calls under way, by stage and endpoint."),
            ("egiz_call_records_open", "Records that a caller has taken in and not done, by stage."),
            ("egiz_call_breaker_open", "1 while a caller leaves the endpoint alone."),
        ] {
            registry.describe(name, help)
        }
    }
}
