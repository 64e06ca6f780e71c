import EgizCore
import Metrics

/// The metrics of a caller, one set for each of those that it asks; labels: topology, source, endpoint.
final class CallMetrics: Sendable {
    private struct Lane {
        var outcomes: [String: Counter]
        var seconds: Recorder
        var open: Gauge
        var breaker: Gauge
    }

    private static let outcomes = ["answered", "unavailable", "faulty", "refused"]
    private let lanes: [Lane]
    private let waiting: Gauge

    init(stage: StageName, lanes: [CallLane]) {
        let labels = [("topology", stage.topology), ("source", stage.source)]
        waiting = Gauge(label: "egiz_call_records_open", dimensions: labels)
        self.lanes = lanes.map { lane in
            let own = labels + [("endpoint", lane.name)]
            var outcomes: [String: Counter] = [:]
            for outcome in Self.outcomes {
                outcomes[outcome] = Counter(label: "egiz_calls_total", dimensions: own + [("outcome", outcome)])
            }
            return Lane(
                outcomes: outcomes,
                seconds: Recorder(label: "egiz_call_duration_seconds", dimensions: own, aggregate: true),
                open: Gauge(label: "egiz_calls_open", dimensions: own),
                breaker: Gauge(label: "egiz_call_breaker_open", dimensions: own))
        }
    }

    func ended(lane: Int, _ verdict: CallVerdict, took: Duration) {
        let outcome =
            switch verdict {
            case .answered: "answered"
            case .unavailable: "unavailable"
            case .faulty: "faulty"
            case .refused: "refused"
            }
        lanes[lane].outcomes[outcome]?.increment()
        lanes[lane].seconds.record(took.seconds)
    }

    func state(_ gate: CallGate) {
        waiting.record(gate.openRecords)
        for (index, lane) in lanes.enumerated() {
            lane.open.record(gate.lanes[index].callsOpen)
            lane.breaker.record(gate.lanes[index].breaker.isClosed ? 0 : 1)
        }
    }
}
