import EgizCore

/// A snapshot as the table `state` holds it; the frame's tag is the version of the state's own binary form.
enum StateFrame {
    static func encode(_ bytes: [UInt8], version: UInt8) -> [UInt8] { Frame.encode(bytes, tag: version) }

    /// Errors: `.state`/`.stop` with stage, processor and thing where the frame is broken or a newer program's. A state that
    /// cannot be read is never taken for an empty one.
    static func decode(_ frame: [UInt8], stage: String, processor: String, thing: String) throws(EngineError) -> (
        version: UInt8, bytes: [UInt8]
    ) {
        do throws(StateFault) {
            let (tag, bytes) = try Frame.decode(frame)
            return (tag, bytes)
        } catch {
            throw EngineError(
                .state, .stop,
                "the state of \(thing) in processor \(processor) of stage \(stage) \(error.message); restore it from a backup, or delete its row in egiz.state and lose what the processor knew of this thing"
            )
        }
    }
}
