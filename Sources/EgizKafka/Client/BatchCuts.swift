import CRdkafka
import EgizCore

/// Narrows a refusal down to a record. A broker refuses whole batches, and librdkafka does not split them; so the batch is
/// published again with cuts, before which everything is flushed, until a refused batch is one record.
struct BatchCuts {
    private var places: Set<Int> = []
    private var sinceFlush: [String: Int] = [:]
    /// Bytes of a topic that may go into one batch, where it takes less than our batches hold (`max.message.bytes`).
    private(set) var limits: [String: Int]

    /// `limits` of earlier batches spare this one the search.
    init(limits: [String: Int]) { self.limits = limits }

    var isEmpty: Bool { places.isEmpty && limits.isEmpty }

    /// Whether to flush before this record. To be asked once for each, in order.
    mutating func isCut(before index: Int, topic: String, size: Int) -> Bool {
        if isEmpty { return false }
        var cut = places.contains(index)
        if let limit = limits[topic], let sent = sinceFlush[topic], sent > 0, sent + size > limit { cut = true }
        if cut { sinceFlush.removeAll(keepingCapacity: true) }
        sinceFlush[topic, default: 0] += size
        return cut
    }

    /// Starts over, for the next attempt.
    mutating func rewind() { sinceFlush.removeAll(keepingCapacity: true) }

    /// Takes in the records of one topic that were refused together, at least two of them.
    mutating func narrow(_ refused: [OutputLedger.Failure], sizes: (Int) -> Int) {
        guard refused.count > 1, let first = refused.first else { return }
        switch first.code {
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
            RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
            let topic = first.partition.topic
            let bytes = refused.reduce(0) { $0 + sizes($1.index) }
            limits[topic] = max(1, min(bytes, limits[topic] ?? bytes) / 2)
        default:
            let indices = refused.map(\.index).sorted()
            places.insert(indices[0])
            places.insert(indices[indices.count / 2])
            places.insert(indices[indices.count - 1] + 1)
        }
    }
}
