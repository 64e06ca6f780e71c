/// One partition number of a stage: the unit of ownership. All topics of a source are co-partitioned.
public struct TaskID: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let stage: StageName
    public let partition: Int32

    public init(stage: StageName, partition: Int32) {
        self.stage = stage
        self.partition = partition
    }

    public static func < (a: Self, b: Self) -> Bool {
        a.stage == b.stage ? a.partition < b.partition : a.stage < b.stage
    }

    public var description: String { "\(stage)/\(partition)" }
}
