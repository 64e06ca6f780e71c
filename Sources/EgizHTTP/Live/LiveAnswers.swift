import EgizTwin

/// The last answers of models, as the projection `ml_prediction` keeps them: one about an earlier state of its thing, which comes late
/// because it was asked again, takes no newer one's place.
struct LiveAnswers {
    /// What an answer is about.
    struct State: Sendable {
        var revision: Int64
        var time: EventTime
    }

    private struct Key: Hashable {
        var thing: ByteText
        /// As `LiveItem.key`.
        var key: ByteText
    }

    private let most: Int
    private var last: [Key: State] = [:]

    /// - Parameter most: that are remembered; without one, a late answer is told.
    init(most: Int = 200_000) { self.most = most }

    /// False for what the projection does not take. In the order of the log.
    mutating func takes(_ item: LiveItem) -> Bool {
        guard item.kind == .prediction, let thing = item.thing, let word = item.key, let state = item.asked else {
            return true
        }
        let key = Key(thing: thing, key: word)
        // As `PredictionRow.isOlder`.
        if let other = last[key], state.revision < other.revision, state.time < other.time { return false }
        if last.count >= most, last[key] == nil { last.removeAll() }
        last[key] = state
        return true
    }
}
