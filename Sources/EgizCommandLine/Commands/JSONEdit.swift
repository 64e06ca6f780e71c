import EgizCore
import EgizTwin

/// Sets or takes out one member of a JSON document.
enum JSONEdit {
    /// The document with `value` at the pointer, nil takes out what is there. What is around it must exist; the last member of the
    /// pointer may be new, and `-` is behind the last element of an array.
    static func apply(_ value: JSONValue?, at pointer: JSONPointer, to document: JSONValue) throws(EngineError)
        -> JSONValue
    {
        try apply(value, pointer.segments[...], document, pointer)
    }

    private static func apply(
        _ value: JSONValue?, _ rest: ArraySlice<String>, _ node: JSONValue, _ pointer: JSONPointer
    ) throws(EngineError) -> JSONValue {
        guard let name = rest.first else {
            guard let value else { throw missing(pointer, "the whole value cannot be taken out; discard the letter") }
            return value
        }
        let isLast = rest.count == 1
        switch node {
        case .object(var object):
            if isLast {
                if value == nil, object[name] == nil { throw missing(pointer, "there is no member \(name)") }
                object[name] = value
            } else {
                guard let child = object[name] else { throw missing(pointer, "there is no member \(name)") }
                object[name] = try apply(value, rest.dropFirst(), child, pointer)
            }
            return .object(object)
        case .array(var elements):
            if isLast, name == "-", let value { return .array(elements + [value]) }
            guard let index = Int(name), elements.indices.contains(index) else {
                throw missing(pointer, "the array has \(elements.count) elements and none at \(name)")
            }
            if !isLast {
                elements[index] = try apply(value, rest.dropFirst(), elements[index], pointer)
            } else if let value {
                elements[index] = value
            } else {
                elements.remove(at: index)
            }
            return .array(elements)
        case .null, .bool, .int, .double, .string:
            throw missing(pointer, "what \(name) is looked for in is no object")
        }
    }

    private static func missing(_ pointer: JSONPointer, _ why: String) -> EngineError {
        EngineError(.decode, .never, "\(pointer) does not fit the value: \(why)")
    }
}
