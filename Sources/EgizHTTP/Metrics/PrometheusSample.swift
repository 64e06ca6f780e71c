/// A value that a collector reads when the metrics are asked for.
public struct PrometheusSample: Sendable {
    public enum Kind: Sendable { case counter, gauge }

    public var name: String
    public var kind: Kind
    public var labels: [(String, String)]
    public var value: Double

    public init(_ name: String, _ kind: Kind, labels: [(String, String)] = [], value: Double) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.value = value
    }
}
