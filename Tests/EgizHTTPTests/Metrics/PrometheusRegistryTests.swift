import CoreMetrics
import Testing

@testable import EgizHTTP

@Suite struct PrometheusRegistryTests {
    @Test func countersAndGaugesAreWrittenSortedWithHelpAndType() {
        let registry = PrometheusRegistry()
        registry.describe("egiz_records_total", "Records\nprocessed.")
        let counter = Counter(
            label: "egiz_records_total", dimensions: [("topology", "b"), ("source", "s")], factory: registry)
        counter.increment(by: 3)
        Counter(label: "egiz_records_total", dimensions: [("topology", "a"), ("source", "s")], factory: registry)
            .increment()
        Gauge(label: "egiz.lag-records", factory: registry).record(2.5)
        #expect(
            registry.text() == """
                # HELP egiz_lag_records egiz_lag_records
                # TYPE egiz_lag_records gauge
                egiz_lag_records 2.5
                # HELP egiz_records_total Records\\nprocessed.
                # TYPE egiz_records_total counter
                egiz_records_total{topology="a",source="s"} 1
                egiz_records_total{topology="b",source="s"} 3

                """)
    }

    @Test func askingTwiceForOneSeriesGivesOneCount() {
        let registry = PrometheusRegistry()
        for _ in 0..<2 { Counter(label: "a_total", dimensions: [("x", "1")], factory: registry).increment() }
        #expect(registry.text().contains("a_total{x=\"1\"} 2\n"))
    }

    @Test func histogramsHaveCumulativeBucketsSumAndCount() {
        let registry = PrometheusRegistry()
        let recorder = Recorder(
            label: "egiz_commit_duration_seconds", dimensions: [("s", "a")], aggregate: true, factory: registry)
        for value in [0.0005, 0.001, 0.02, 100] { recorder.record(value) }
        let lines = registry.text().split(separator: "\n").map(String.init)
        #expect(lines.contains("# TYPE egiz_commit_duration_seconds histogram"))
        #expect(lines.contains(#"egiz_commit_duration_seconds_bucket{s="a",le="0.001"} 2"#))
        #expect(lines.contains(#"egiz_commit_duration_seconds_bucket{s="a",le="0.01"} 2"#))
        #expect(lines.contains(#"egiz_commit_duration_seconds_bucket{s="a",le="0.025"} 3"#))
        #expect(lines.contains(#"egiz_commit_duration_seconds_bucket{s="a",le="30"} 3"#))
        #expect(lines.contains(#"egiz_commit_duration_seconds_bucket{s="a",le="+Inf"} 4"#))
        #expect(lines.contains(#"egiz_commit_duration_seconds_count{s="a"} 4"#))
        #expect(lines.contains { $0.hasPrefix(#"egiz_commit_duration_seconds_sum{s="a"} 100.02"#) })
    }

    @Test func timersAreSeconds() {
        let registry = PrometheusRegistry()
        Timer(label: "wait", factory: registry).recordMilliseconds(1500)
        #expect(registry.text().contains("wait_seconds_sum 1.5\n"))
    }

    @Test func namesAndLabelsAreMadeValid() {
        let registry = PrometheusRegistry()
        Counter(label: "9 lives/total", dimensions: [("a:b", "x\"y\\z\nw"), ("a:b", "last")], factory: registry)
            .increment()
        #expect(registry.text().contains("_9_lives_total{a_b=\"last\"} 1\n"))
        #expect(PrometheusText.labels([("é", "x\"y\\z\nw")]) == #"__="x\"y\\z\nw""#)
        #expect(PrometheusText.metricName("") == "_")
    }

    @Test func oneNameNeverHasTwoTypes() {
        let registry = PrometheusRegistry()
        Counter(label: "a", factory: registry).increment()
        Gauge(label: "a", factory: registry).record(7)
        let text = registry.text()
        #expect(text.contains("# TYPE a counter\na 1\n"))
        #expect(text.contains("# TYPE a_gauge gauge\na_gauge 7\n"))
    }

    @Test func collectorsAreReadWhenTheMetricsAreAskedFor() {
        let registry = PrometheusRegistry()
        registry.addCollector { [PrometheusSample("egiz_up", .gauge, labels: [("host", "h")], value: 1)] }
        #expect(registry.text().contains("# TYPE egiz_up gauge\negiz_up{host=\"h\"} 1\n"))
    }

    @Test func countsFromManyThreadsAddUp() async {
        let registry = PrometheusRegistry()
        await withDiscardingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { Counter(label: "n_total", factory: registry).increment() }
                }
            }
        }
        #expect(registry.text().contains("n_total 8000\n"))
    }
}
