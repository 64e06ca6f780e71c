import EgizCore

/// A consumer group as its coordinator sees it. Guarded by the log's lock.
struct MemoryGroup {
    struct Member {
        /// What the member holds: given to it and not yet given back.
        var owned: Set<TopicPartition> = []
        /// The generation it has answered.
        var generation = 0
        /// The coordinator gave its partitions away without asking (session timeout).
        var isExpelled = false
    }

    /// What the members read.
    var topics: Set<String> = []
    var protocolName: MemoryLog.GroupProtocol = .eager
    var generation = 0
    /// By member id; ids rise, so that the order of joining is the order of the range.
    var members: [Int: Member] = [:]
    var targets: [Int: Set<TopicPartition>] = [:]

    /// The range assignor: each topic's partitions in equal runs over the members, the first ones get the rest.
    mutating func rebalance(counts: [String: Int]) {
        generation += 1
        targets = [:]
        let active = members.keys.filter { members[$0]?.isExpelled == false }.sorted()
        guard !active.isEmpty else { return }
        for (topic, count) in counts where topics.contains(topic) {
            let share = count / active.count
            let extra = count % active.count
            var next = 0
            for (index, id) in active.enumerated() {
                let size = share + (index < extra ? 1 : 0)
                for number in next..<(next + size) {
                    targets[id, default: []].insert(TopicPartition(topic, Int32(number)))
                }
                next += size
            }
        }
    }

    /// Whether the member has a generation to answer, or partitions to take that are free by now.
    func hasNews(for id: Int) -> Bool {
        guard let member = members[id] else { return false }
        if member.generation != generation { return true }
        let missing = (targets[id] ?? []).subtracting(member.owned)
        return !missing.isEmpty && isFree(missing, for: id)
    }

    func isFree(_ partitions: Set<TopicPartition>, for id: Int) -> Bool {
        members.allSatisfy { $0.key == id || $0.value.owned.isDisjoint(with: partitions) }
    }
}
