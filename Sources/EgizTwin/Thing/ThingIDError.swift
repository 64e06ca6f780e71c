/// A text that is no thing id.
public struct ThingIDError: Error, Sendable, CustomStringConvertible {
    public var message: String

    public var description: String { message }
}
