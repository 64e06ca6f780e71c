public import CoreMetrics
import Synchronization

/// Keeps the process's metrics and writes them as Prometheus text (version 0.0.4). Safe from any thread.
///
/// It is a backend of swift-metrics (`MetricsSystem.bootstrap(registry)`): counters, gauges, and histograms with fixed
/// buckets in seconds. Asking twice for one name and one set of labels gives the same instrument, so counts never restart.
public final class PrometheusRegistry: MetricsFactory {
    /// Upper bounds of the histogram buckets, in seconds: a local query is 1 ms, a full epoch 100 ms, a stuck one 30 s.
    public static let bucketBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]

    private struct State {
        var families: [String: PrometheusFamily] = [:]
        var help: [String: String] = [:]
        var collectors: [@Sendable () -> [PrometheusSample]] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// Sets the HELP line of a metric.
    public func describe(_ name: String, _ help: String) {
        let name = PrometheusText.metricName(name)
        state.withLock { $0.help[name] = help }
    }

    /// Adds values that are read when the metrics are asked for. The closure must be quick and must not call the registry.
    public func addCollector(_ collect: @escaping @Sendable () -> [PrometheusSample]) {
        state.withLock { $0.collectors.append(collect) }
    }

    /// Everything there is, sorted by name and labels.
    public func text() -> String {
        let (kept, help, collectors) = state.withLock { ($0.families, $0.help, $0.collectors) }
        var families = kept
        for sample in collectors.flatMap({ $0() }) {
            let name = PrometheusText.metricName(sample.name)
            let kind = PrometheusFamily.Kind(sample.kind)
            var family = families[name] ?? PrometheusFamily(kind: kind)
            guard family.kind == kind else { continue }
            let value = PrometheusValue()
            value.set(sample.value)
            family.series[PrometheusText.labels(sample.labels)] = .value(value)
            families[name] = family
        }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            family.write(name: name, help: help[name], into: &text)
        }
        return text
    }

    /// The value of one series, made on first use. A name that is taken by another kind gets that kind as a suffix: one
    /// family has one type.
    func value(_ label: String, _ dimensions: [(String, String)], _ kind: PrometheusFamily.Kind) -> PrometheusValue {
        let made = series(label, dimensions, kind) { .value(PrometheusValue()) }
        if case .value(let value) = made { return value }
        return PrometheusValue()
    }

    func histogram(_ label: String, _ dimensions: [(String, String)]) -> PrometheusHistogram {
        let made = series(label, dimensions, .histogram) { .histogram(PrometheusHistogram(bounds: Self.bucketBounds)) }
        if case .histogram(let histogram) = made { return histogram }
        return PrometheusHistogram(bounds: Self.bucketBounds)
    }

    private func series(
        _ label: String, _ dimensions: [(String, String)], _ kind: PrometheusFamily.Kind,
        make: () -> PrometheusFamily.Series
    ) -> PrometheusFamily.Series {
        let plain = PrometheusText.metricName(label)
        let labels = PrometheusText.labels(dimensions)
        return state.withLock { state in
            let taken = state.families[plain].map { $0.kind != kind } ?? false
            let name = taken ? "\(plain)_\(kind.rawValue)" : plain
            var family = state.families[name] ?? PrometheusFamily(kind: kind)
            if let known = family.series[labels] { return known }
            let made = make()
            family.series[labels] = made
            state.families[name] = family
            return made
        }
    }
}
