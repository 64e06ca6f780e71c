import EgizCore
import Metrics

/// The metrics of a stage, in Prometheus' naming; labels: topology, source.
final class StageMetrics: Sendable {
    private let records: Counter
    private let samples: Counter
    private let deadLetters: Counter
    private let commits: Counter
    /// By the name of the counter of tasks that each follows.
    private let followers: [String: Counter]
    private let commitSeconds: Recorder
    private let lagRecords: Gauge

    init(stage: StageName) {
        let labels = [("topology", stage.topology), ("source", stage.source)]
        records = Counter(label: "egiz_records_total", dimensions: labels)
        samples = Counter(label: "egiz_samples_total", dimensions: labels)
        deadLetters = Counter(label: "egiz_dead_letters_total", dimensions: labels)
        followers = StepCounters.metrics.mapValues { Counter(label: $0, dimensions: labels) }
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

    /// What the processors of a task did since the counters before.
    func committed(_ now: StepCounters, since before: StepCounters) {
        for (new, old) in zip(now.named, before.named) where new.value > old.value {
            followers[new.name]?.increment(by: new.value - old.value)
        }
    }

    func report(lag: Int64) { lagRecords.record(lag) }
}
