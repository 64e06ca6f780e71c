import ZonesunMachine

/// Lets a simulation run against the clock, or as fast as it can, until its limit or a stop.
struct SimulationRun {
    struct Outcome {
        var events: Int64
        var elapsed: Duration
        var wasStopped: Bool

        func text(machines: Int) -> String {
            let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
            let rate = seconds > 0 ? Int((Double(events) / seconds).rounded()) : 0
            let tenths = Int((seconds * 10).rounded())
            return "\(events) events of \(machines) machines in \(tenths / 10).\(tenths % 10) s (\(rate)/s)"
        }
    }

    var simulation: Simulation
    /// Number of events; nil is no end.
    let limit: Int64?
    let isThrottled: Bool
    let stop: StopSignal

    /// Emits event after event. One that is late (Kafka was away) is sent as soon as possible, with the time it happened.
    func emit<Sink: EventSink>(to sink: inout Sink) throws -> Outcome {
        var simulation = simulation
        let start = ContinuousClock.now
        var wasStopped = false
        let end = limit ?? .max
        while simulation.count < end {
            if isThrottled {
                let ahead = ContinuousClock.now.duration(to: start + .microseconds(simulation.nextDue))
                // Sleeping for less than a millisecond costs more than the event: small bursts instead.
                if ahead > .zero, stop.wait(max(ahead, .milliseconds(1))) { wasStopped = true }
            }
            if simulation.count % 256 == 0, stop.isRequested { wasStopped = true }
            if wasStopped { break }
            do { try simulation.emit(to: &sink) } catch is Stopped {
                wasStopped = true
                break
            }
        }
        return Outcome(events: simulation.count, elapsed: start.duration(to: .now), wasStopped: wasStopped)
    }
}
