public import EgizCore

/// What is wrong with a thing, as it was told last.
public final class SchemaState: ProcessorState {
    public static let version: UInt8 = 1

    /// Empty: nothing.
    var flags = ""
    // Found again after a restore.
    var rule: TypeSchema.Rule?
    var generation = 0

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) { flags = try reader.text() }

    public func encode(into writer: inout StateWriter) { writer.write(flags) }

    public func copy() -> SchemaState {
        let copy = SchemaState()
        (copy.flags, copy.rule, copy.generation) = (flags, rule, generation)
        return copy
    }

    public var isEmpty: Bool { flags.utf8.isEmpty }
}
