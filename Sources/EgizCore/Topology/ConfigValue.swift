public import EgizTwin

/// A value of a configuration file with its place, so that whoever refuses it can say where it stands.
public struct ConfigValue: Sendable {
    public indirect enum Content: Sendable {
        case null
        case bool(Bool)
        case int(Int64)
        case double(Double)
        case string(String)
        case list([ConfigValue])
        case map([(key: String, mark: SourceMark, value: ConfigValue)])
    }

    public var content: Content
    public var mark: SourceMark

    public init(_ content: Content, at mark: SourceMark) {
        self.content = content
        self.mark = mark
    }

    /// A value of JSON, at one place.
    public init(json: JSONValue, at mark: SourceMark) {
        self.mark = mark
        switch json {
        case .null: content = .null
        case .bool(let flag): content = .bool(flag)
        case .int(let number): content = .int(number)
        case .double(let number): content = .double(number)
        case .string(let text): content = .string(text)
        case .array(let items): content = .list(items.map { ConfigValue(json: $0, at: mark) })
        case .object(let object):
            content = .map(object.map { (key: $0.key, mark: mark, value: ConfigValue(json: $0.value, at: mark)) })
        }
    }

    /// How the value is named in an error: its kind and, where short, its text.
    public var found: String {
        switch content {
        case .null: "nothing"
        case .bool(let v): "the boolean \(v)"
        case .int(let v): "the number \(v)"
        case .double(let v): "the number \(v)"
        case .string(let v): "\"\(v.prefix(60))\""
        case .list: "a list"
        case .map: "a map"
        }
    }
}
