import EgizCore
import EgizTwin

/// A value of a property of a 3D object.
enum SceneValue: Sendable, Equatable {
    case number(Double)
    case boolean(Bool)
    case text(String)
    case vector([Double])

    static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.number(let x), .number(let y)): x == y
        case (.boolean(let x), .boolean(let y)): x == y
        case (.text(let x), .text(let y)): UTF8Text.equal(x, y)
        case (.vector(let x), .vector(let y)): x == y
        case (.number, _), (.boolean, _), (.text, _), (.vector, _): false
        }
    }

    /// Of a file or the registry; nil where it is none.
    init?(_ config: ConfigValue) {
        switch config.content {
        case .int(let number): self = .number(Double(number))
        case .double(let number): self = .number(number)
        case .bool(let flag): self = .boolean(flag)
        case .string(let text): self = .text(text)
        case .list(let items):
            var numbers: [Double] = []
            for item in items {
                switch item.content {
                case .int(let number): numbers.append(Double(number))
                case .double(let number): numbers.append(number)
                default: return nil
                }
            }
            self = .vector(numbers)
        case .null, .map: return nil
        }
    }

    /// What an expression came to; nil where that is no value.
    init?(_ value: ExpressionValue) {
        switch value {
        case .number(let number): self = .number(number)
        case .boolean(let flag): self = .boolean(flag)
        case .text(let text): self = .text(text)
        case .missing, .null, .failed, .compound: return nil
        }
    }

    /// A device may send texts of megabytes; no label shows them.
    var isTooLong: Bool {
        switch self {
        case .text(let text): text.utf8.count > Expression.maximumText
        case .vector(let numbers): numbers.count > 64
        case .number, .boolean: false
        }
    }

    var json: JSONValue {
        switch self {
        case .number(let number): Self.json(number)
        case .boolean(let flag): .bool(flag)
        case .text(let text): .string(text)
        case .vector(let numbers): .array(numbers.map(Self.json))
        }
    }

    private static func json(_ number: Double) -> JSONValue {
        // Whole numbers without a fraction that says nothing.
        number.magnitude < 1e15 && Double(Int64(number)) == number ? .int(Int64(number)) : .double(number)
    }

    func encode(into writer: inout StateWriter) {
        switch self {
        case .number(let number):
            writer.write(1 as UInt8)
            writer.write(number)
        case .boolean(let flag):
            writer.write(2 as UInt8)
            writer.write(flag)
        case .text(let text):
            writer.write(3 as UInt8)
            writer.write(text)
        case .vector(let numbers):
            writer.write(4 as UInt8)
            writer.write(count: numbers.count)
            for number in numbers { writer.write(number) }
        }
    }

    init(from reader: inout StateReader) throws(StateFault) {
        switch try reader.byte() {
        case 1: self = .number(try reader.double())
        case 2: self = .boolean(try reader.bool())
        case 3: self = .text(try reader.text())
        case 4:
            var numbers: [Double] = []
            for _ in 0..<(try reader.count()) { numbers.append(try reader.double()) }
            self = .vector(numbers)
        case let other: throw StateFault("\(other) is no kind of value")
        }
    }
}
