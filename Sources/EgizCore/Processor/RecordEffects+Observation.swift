// For test kits that report what a topology's tests never reached.
extension RecordEffects {
    /// Topics of the records asked for so far, in order.
    package var emittedTopics: [String] { emissions.map(\.topic) }

    /// Samples so far that came too late for their window.
    package var lateSamples: Int64 { late }
}
