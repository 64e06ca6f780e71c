public import EgizTwin

/// A pure step over records as they are, without twins: alone with its source, which has the format `json`. It keeps no state; what
/// it writes derives from the record.
public protocol RecordProcessor: AnyObject, SendableMetatype {
    static var spec: KindSpec { get }

    /// Builds the processor from settings that were checked against `spec`.
    init(_ definition: ProcessorDefinition) throws(TopologyFaults)

    /// Called once for each record, in the order of the partition. A thrown fault refuses the record: none of its effects stay.
    func process(_ record: InputRecord, into effects: inout RecordEffects) throws(RecordFault)
}

/// A record with its value read.
public struct InputRecord {
    public let value: JSONValue
    public let key: [UInt8]?
    /// Of the record in the log; 0 where the log has none.
    public let time: EventTime
    public let position: InputPosition
    /// The task that reads it, for the keys of rows.
    public let home: TaskID

    public init(value: JSONValue, key: [UInt8]?, time: EventTime, position: InputPosition, home: TaskID) {
        (self.value, self.key, self.time, self.position, self.home) = (value, key, time, position, home)
    }
}
