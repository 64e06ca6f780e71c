/// Where the machines' records go: Kafka, standard output, or the memory of a test.
public protocol EventSink {
    /// Takes one record or throws; a sink that is full waits. The arrays may be kept, but the next record uses `value`'s
    /// memory again where they are not. `time` is the event time in microseconds since 1970.
    mutating func send(_ format: MessageFormat, key: [UInt8], value: [UInt8], time: Int64) throws
}
