public import EgizTwin

/// A pure step over records as they are, without twins: alone with its source, which has the format `json`.
///
/// What it writes derives from the record, and, where the kind is a `StatefulProcessor` as well, from the state of the record's
/// `subject`; `tick` and `project` are called as for every processor.
public protocol RecordProcessor: AnyObject, SendableMetatype {
    static var spec: KindSpec { get }

    /// Values are handed over as they came, tombstones too, instead of being read as JSON; and headers with them.
    static var readsBytes: Bool { get }

    /// It may `keep` records as dead letters that are tried again.
    static var keepsLetters: Bool { get }

    /// Builds the processor from settings that were checked against `spec`.
    init(_ definition: ProcessorDefinition) throws(TopologyFaults)

    /// Whose state and timers a record of this place moves. Only asked of kinds with a state; each task has subjects of its own.
    func subject(of position: InputPosition) -> ThingID?

    /// Called once for each record, in the order of the partition. A thrown fault refuses the record: none of its effects stay, and a
    /// state is again what it was before.
    func process(_ record: InputRecord, into effects: inout RecordEffects) throws(RecordFault)

    /// As `process`, with the state of the record's subject.
    func process(_ record: InputRecord, memory: (any ProcessorState)?, into effects: inout RecordEffects)
        throws(RecordFault)
}

extension RecordProcessor {
    public static var readsBytes: Bool { false }
    public static var keepsLetters: Bool { false }

    public func subject(of position: InputPosition) -> ThingID? { nil }

    public func process(_ record: InputRecord, memory: (any ProcessorState)?, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        try process(record, into: &effects)
    }
}
