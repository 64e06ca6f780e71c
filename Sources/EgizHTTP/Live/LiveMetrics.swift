/// What live push counts.
struct LiveMetrics: Sendable {
    let connections: PrometheusValue
    /// Items of frames.
    let sent: PrometheusValue
    let frames: PrometheusValue
    /// Values that slow clients did not get because later ones replaced them.
    let coalesced: PrometheusValue
    let resyncs: PrometheusValue

    init(_ registry: PrometheusRegistry) {
        func value(_ name: String, _ kind: PrometheusFamily.Kind, _ help: String) -> PrometheusValue {
            registry.describe(name, help)
            return registry.value(name, [], kind)
        }
        connections = value("egiz_live_connections", .gauge, "Clients of live push.")
        sent = value("egiz_live_items_total", .counter, "Changes handed to clients of live push.")
        frames = value("egiz_live_frames_total", .counter, "Messages to clients of live push.")
        coalesced = value(
            "egiz_live_coalesced_total", .counter,
            "Values that slow clients did not get because later ones replaced them.")
        resyncs = value("egiz_live_resyncs_total", .counter, "Times that a client of live push had to begin anew.")
    }
}
