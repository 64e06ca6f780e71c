import EgizCore
import EgizTwin
import Foundation

/// Reads `dead_letter.headers`, `[["name","base64"],["other",null]]`, as `DeadLetterInsert` writes it.
enum StoredHeaders {
    /// Nil where the text is of another form.
    static func parse(_ text: [UInt8]) -> [DeadLetter.Header]? {
        guard let value = try? JSONParser().parse(text), case .array(let items) = value else { return nil }
        var headers: [DeadLetter.Header] = []
        for item in items {
            guard case .array(let pair) = item, pair.count == 2, case .string(let name) = pair[0] else { return nil }
            switch pair[1] {
            case .null: headers.append(.init(name: name, value: nil))
            case .string(let base64):
                guard let data = Data(base64Encoded: base64) else { return nil }
                headers.append(.init(name: name, value: [UInt8](data)))
            default: return nil
            }
        }
        return headers
    }
}
