import CSimdjson

/// Reads JSON by the rules of the Ditto Protocol: strict RFC 8259 in UTF-8; of repeated names the last wins; empty names,
/// integers beyond Int64, doubles beyond the finite, half surrogate pairs and a byte order mark are errors.
///
/// Owns buffers that it uses again; not thread-safe, one for each thread.
public final class JSONParser {
    /// Levels of nesting that a record may have, its outermost container being level 1.
    public static let recordDepth = 1000
    /// Bytes that a text may have.
    public static let maxBytes = 64 << 20

    private let parser: OpaquePointer?

    public init() { parser = egiz_simdjson_create() }

    deinit { egiz_simdjson_destroy(parser) }

    /// - Throws: why the bytes are not acceptable JSON.
    public func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        try tape(bytes, depth: Self.recordDepth).value(JSONTape.root)
    }

    public func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue { try parse(bytes, depth: Self.recordDepth) }

    func parse(_ bytes: [UInt8], depth: Int) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError> = bytes.withUnsafeBytes { raw in
            do throws(JSONError) {
                return .success(try tape(raw, depth: depth).value(JSONTape.root))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Reads and checks a text; the tape is valid until the next one.
    @inline(__always)
    func tape(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(JSONError) -> JSONTape {
        guard let parser else { throw JSONError("no memory for a JSON parser") }
        guard let start = bytes.baseAddress, bytes.count > 0 else { throw JSONError("the text is empty") }
        guard bytes.count <= Self.maxBytes else {
            throw JSONError("\(bytes.count) bytes are more than the \(Self.maxBytes) that a record may have")
        }
        var document = egiz_simdjson_document()
        let code = egiz_simdjson_parse(parser, start, bytes.count, UInt32(depth), &document)
        guard code == 0, let words = document.tape, let strings = document.strings else {
            throw Self.error(code, depth)
        }
        let tape = JSONTape(words: words, strings: strings)
        if document.has_empty_string != 0, tape.hasEmptyName() { throw JSONError("an empty member name") }
        return tape
    }

    private static func error(_ code: Int32, _ depth: Int) -> JSONError {
        switch Int(code) {
        case EGIZ_SIMDJSON_DEPTH: JSONError("nested deeper than \(depth) levels")
        case EGIZ_SIMDJSON_INTEGER: JSONError("an integer does not fit 64 bits")
        case EGIZ_SIMDJSON_MEMORY: JSONError("no memory to parse the text")
        default: JSONError(Self.words(egiz_simdjson_message(code).map { String(cString: $0) } ?? "not JSON"))
        }
    }

    /// simdjson's words, with what usually lies behind them.
    private static func words(_ text: String) -> String {
        if text.utf8.starts(with: "Problem while parsing a number".utf8) {
            return text
                + ": an integer beyond 64 bits, a number beyond a double such as 1e400, or a form such as 01 or 1."
        }
        if text.utf8.starts(with: "The JSON document has an improper structure".utf8) {
            return text + " (NaN, Infinity and text after the value count as this too)"
        }
        return text
    }
}
