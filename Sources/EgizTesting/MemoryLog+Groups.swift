public import EgizCore
import EgizRuntime

extension MemoryLog {
    /// How a group moves partitions.
    public enum GroupProtocol: Sendable {
        /// Everything is revoked before anything is assigned, as `range` does.
        case eager
        /// Only what moves is revoked, as `cooperative-sticky` does.
        case cooperative
    }

    /// - Precondition: the group has no members yet.
    public func setProtocol(_ value: GroupProtocol, of group: String) {
        change { groups[group, default: MemoryGroup()].protocolName = value }
    }

    /// Members by id, with what each holds.
    public func assignment(of group: String) -> [Int: Set<TopicPartition>] {
        read { groups[group]?.members.mapValues(\.owned) ?? [:] }
    }

    /// Moves partitions for no reason, as a metadata change would.
    public func rebalance(_ group: String) {
        change { rebalanceLocked(group) }
    }

    /// The session of a member times out: its partitions go to the others at once; it learns so at its next poll, by
    /// `revoked(lost: true)`, and joins again.
    public func expel(_ member: Int, of group: String) {
        change {
            guard groups[group]?.members[member] != nil else { return }
            groups[group]?.members[member]?.isExpelled = true
            groups[group]?.members[member]?.owned = []
            rebalanceLocked(group)
        }
    }

    func rebalanceLocked(_ group: String) {
        groups[group]?.rebalance(counts: topics.mapValues(\.count))
    }
}
