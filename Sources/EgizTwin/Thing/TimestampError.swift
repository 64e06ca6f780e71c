/// A text that is no timestamp.
public struct TimestampError: Error, Sendable, CustomStringConvertible {
    public var message: String

    public var description: String { message }
}
