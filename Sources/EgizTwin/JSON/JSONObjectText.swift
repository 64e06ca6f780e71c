/// Writes a JSON object member by member, without making it first: what records for other topics are made of. The text is the one that
/// `JSONValue.write` gives of the same object.
///
/// Names are written as they are, so they must need no escapes, and be different.
public struct JSONObjectText {
    public private(set) var bytes: [UInt8] = []
    /// A member stands before the next one.
    private var isBegun = false

    public init(reserving count: Int = 384) { bytes.reserveCapacity(count) }

    /// Begins the object.
    public mutating func open() {
        bytes.append(UInt8(ascii: "{"))
        isBegun = false
    }

    /// Begins an object that is a member of the one before.
    public mutating func open(_ name: StaticString) {
        begin(name)
        open()
    }

    public mutating func close() {
        bytes.append(UInt8(ascii: "}"))
        isBegun = true
    }

    public mutating func member(_ name: StaticString, _ text: String) {
        begin(name)
        JSONValue.write(text, into: &bytes)
    }

    public mutating func member(_ name: StaticString, _ integer: Int64) {
        begin(name)
        JSONValue.int(integer).write(into: &bytes)
    }

    public mutating func member(_ name: StaticString, _ value: JSONValue) {
        begin(name)
        value.write(into: &bytes)
    }

    /// As `EventTime.text`.
    public mutating func member(_ name: StaticString, _ time: EventTime) {
        begin(name)
        bytes.append(UInt8(ascii: "\""))
        Timestamp(time).write(into: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func begin(_ name: StaticString) {
        if isBegun { bytes.append(UInt8(ascii: ",")) }
        isBegun = true
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }
}
