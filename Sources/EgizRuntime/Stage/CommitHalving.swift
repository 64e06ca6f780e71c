import EgizCore

/// The search for the record whose effects Postgres refuses (rule 6): the epoch is done again in halves until one record remains,
/// which becomes a dead letter. Pure.
struct CommitHalving: Equatable {
    /// Most records of the next epoch.
    private(set) var limit: Int
    /// Records of the refused epoch that have not been committed yet.
    private(set) var remaining: Int

    enum Step: Equatable {
        case search(CommitHalving)
        /// The epoch held this one record: it is the one.
        case found
        /// The epoch held no record: nothing can be set aside.
        case hopeless
    }

    /// An epoch of so many records was refused; `search` is what was under way.
    static func refused(records: Int, during search: CommitHalving?) -> Step {
        switch records {
        case ..<1: .hopeless
        case 1: .found
        default: .search(CommitHalving(limit: records / 2, remaining: search?.remaining ?? records))
        }
    }

    /// The one record was found: the rest is tried whole again.
    static func afterFinding(during search: CommitHalving?) -> CommitHalving? {
        guard let search, search.remaining > 1 else { return nil }
        return CommitHalving(limit: search.remaining, remaining: search.remaining)
    }

    /// An epoch was committed; nil when all that was refused is through.
    func committed(records: Int) -> CommitHalving? {
        let left = remaining - records
        return left > 0 ? CommitHalving(limit: limit, remaining: left) : nil
    }
}
