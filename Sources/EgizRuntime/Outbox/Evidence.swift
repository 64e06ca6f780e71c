import EgizCore

/// What the metadata of a group offset says of the task's outboxes (rule 9): everything up to and including `epoch` is in Kafka.
struct Evidence: Equatable {
    var incarnation: Int32
    var epoch: Int64

    init(incarnation: Int32, epoch: Int64) {
        self.incarnation = incarnation
        self.epoch = epoch
    }

    /// Nil for what another program wrote.
    init?(parsing metadata: String) {
        let parts = metadata.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "egiz", parts[1] == "1", let incarnation = Int32(parts[2]),
            let epoch = Int64(parts[3]), epoch >= 0
        else { return nil }
        self.init(incarnation: incarnation, epoch: epoch)
    }

    /// Whether what was found is enough to tell, at the next takeover, which outboxes of this tenure are in Kafka: evidence of this
    /// incarnation, and none of an epoch that has not been yet, as an earlier life leaves behind.
    static func covers(_ lease: TaskLease, by found: [Evidence]) -> Bool {
        let latest = found.filter { $0.incarnation == lease.incarnation }.map(\.epoch).max()
        return latest.map { $0 <= lease.epoch } ?? false
    }

    var text: String { "egiz:1:\(incarnation):\(epoch)" }
}
