public import EgizCore
public import EgizTwin

/// The rules of an edit (rule 18): what is written instead of a dead letter's value must be an event, and about the same thing.
public enum LetterEdit {
    /// The thing that the edited value is about, where the edit may be made.
    ///
    /// - Parameters:
    ///   - letter: its `value` is the original one.
    ///   - format: of the source; `json` has no events, there any JSON does.
    /// - Throws: `.decode`/`.never` with what is wrong with the value, and what to do.
    public static func check(_ value: [UInt8], of letter: DeadLetter, format: RecordFormat) throws(EngineError)
        -> ThingID?
    {
        if format == .json {
            do throws(JSONError) { _ = try JSONParser().parse(value) } catch {
                throw refused("the new value is not JSON: \(error.message)")
            }
            return letter.thing
        }
        let decoder = RecordDecoder(paths: PathTable())
        let thing = try thing(of: value, letter, decoder, format)
        guard let known = known(letter, decoder, format), known != thing else { return thing }
        throw refused(
            "the letter is about \(known), the new value about \(thing): an edit cannot change the thing id; discard the letter and send the record of \(thing) to topic \(letter.position.topic) instead"
        )
    }

    private static func thing(of value: [UInt8], _ letter: DeadLetter, _ decoder: RecordDecoder, _ format: RecordFormat)
        throws(EngineError) -> ThingID
    {
        switch decode(value, letter, decoder, format) {
        case .event(let event):
            guard event.time.isAcceptable else {
                throw refused("the new value has the event time \(event.time), outside 1970 to 2200")
            }
            return event.thing
        case .rejected(let rejection):
            throw refused("the new value would be a dead letter as well: \(rejection.code): \(rejection.message)")
        case .ignored(let reason):
            throw refused("the new value would only be ignored (\(reason.rawValue)); to drop the letter, discard it")
        }
    }

    /// What the letter is about: as the engine noted it, else as the original value says, else as its key does.
    private static func known(_ letter: DeadLetter, _ decoder: RecordDecoder, _ format: RecordFormat) -> ThingID? {
        if let thing = letter.thing { return thing }
        switch decode(letter.value, letter, decoder, format) {
        case .event(let event): return event.thing
        case .rejected(let rejection): if let thing = rejection.thing { return thing }
        case .ignored: break
        }
        return letter.key.flatMap { String(validating: $0, as: UTF8.self) }.flatMap { try? ThingID(validating: $0) }
    }

    private static func decode(
        _ value: [UInt8]?, _ letter: DeadLetter, _ decoder: RecordDecoder, _ format: RecordFormat
    ) -> Decoded {
        PaddedBytes.with(value) { decoder.decode($0, format: format, recordTime: letter.recordTime) }
    }

    private static func refused(_ message: String) -> EngineError { EngineError(.decode, .never, message) }
}
