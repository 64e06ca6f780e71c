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

    var text: String { "egiz:1:\(incarnation):\(epoch)" }
}
