import EgizCore
import EgizRuntime

/// A member's place in a group on a `MemoryLog`, with the generation it was taken in.
final class MemoryMembership: GroupMembership {
    private let log: MemoryLog
    private let group: String
    private let member: Int
    private let generation: Int

    init(log: MemoryLog, group: String, member: Int, generation: Int) {
        self.log = log
        self.group = group
        self.member = member
        self.generation = generation
    }

    func commit(_ offsets: [TopicPartition: GroupOffset]) throws(EngineError) {
        try log.change { () throws(EngineError) in
            guard !log.isAway else { throw EngineError(.kafka, .backoff, "the broker is away") }
            guard !log.refusesGroupOffsets else {
                log.groupOffsetRefusals += 1
                throw EngineError(.kafka, .backoff, "the coordinator takes no offsets")
            }
            guard isCurrentLocked else {
                throw EngineError(.ownership, .backoff, "the group has moved on", detail: "ILLEGAL_GENERATION")
            }
            writeLocked(offsets)
        }
    }

    /// Under the log's lock. A member may commit until it has answered the next generation, as with a real coordinator.
    var isCurrentLocked: Bool {
        guard let present = log.groups[group]?.members[member] else { return false }
        return present.generation == generation && !present.isExpelled
    }

    /// Under the log's lock.
    func writeLocked(_ offsets: [TopicPartition: GroupOffset]) {
        log.groupOffsets[group, default: [:]].merge(offsets) { _, new in new }
    }
}
