public import EgizCore

/// A group offset as Kafka keeps it, with the engine's evidence of what was published (rule 9).
public struct GroupOffset: Sendable, Hashable {
    public var next: NextOffset
    /// `egiz:1:<incarnation>:<epoch>`, or what another program wrote.
    public var metadata: String

    public init(next: NextOffset, metadata: String) {
        self.next = next
        self.metadata = metadata
    }
}
