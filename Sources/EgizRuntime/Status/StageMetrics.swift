import EgizCore
import Metrics

/// The metrics of a stage, in Prometheus' naming; labels: topology, source.
final class StageMetrics: Sendable {
    private let records: Counter
    private let samples: Counter
    private let deadLetters: Counter
    private let commits: Counter
    private let sceneChanges: Counter
    private let alertsRaised: Counter
    private let ruleErrors: Counter
    private let filtered: Counter
    private let commitSeconds: Recorder
    private let lagRecords: Gauge

    init(stage: StageName) {
        let labels = [("topology", stage.topology), ("source", stage.source)]
        records = Counter(label: "egiz_records_total", dimensions: labels)
        samples = Counter(label: "egiz_samples_total", dimensions: labels)
        deadLetters = Counter(label: "egiz_dead_letters_total", dimensions: labels)
        sceneChanges = Counter(label: "egiz_scene_changes_total", dimensions: labels)
        alertsRaised = Counter(label: "egiz_alerts_raised_total", dimensions: labels)
        ruleErrors = Counter(label: "egiz_rule_errors_total", dimensions: labels)
        filtered = Counter(label: "egiz_filtered_total", dimensions: labels)
        commits = Counter(label: "egiz_commits_total", dimensions: labels)
        commitSeconds = Recorder(label: "egiz_commit_duration_seconds", dimensions: labels, aggregate: true)
        lagRecords = Gauge(label: "egiz_lag_records", dimensions: labels)
    }

    func committed(records: Int, samples: Int, deadLetters: Int, took: Duration) {
        self.records.increment(by: records)
        self.samples.increment(by: samples)
        self.deadLetters.increment(by: deadLetters)
        commits.increment()
        commitSeconds.record(took.seconds)
    }

    /// What rules did since the counters before.
    func committed(_ now: StepCounters, since before: StepCounters) {
        let scene = now.bindings - before.bindings
        let alerts = now.alerts - before.alerts
        let errors = now.ruleErrors - before.ruleErrors
        if scene > 0 { sceneChanges.increment(by: scene) }
        if alerts > 0 { alertsRaised.increment(by: alerts) }
        if errors > 0 { ruleErrors.increment(by: errors) }
        let held = now.filtered - before.filtered
        if held > 0 { filtered.increment(by: held) }
    }

    func report(lag: Int64) { lagRecords.record(lag) }
}
