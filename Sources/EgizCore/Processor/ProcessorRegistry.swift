/// The kinds a program knows. Built from a list in the code, in one place; no scanning at run time.
public struct ProcessorRegistry: Sendable {
    public struct Entry: Sendable {
        public let spec: KindSpec
        public let mayRefuse: Bool
        public let make: @Sendable (ProcessorDefinition) throws(TopologyFaults) -> (any Processor)?
    }

    /// In the order of registration.
    public let entries: [Entry]

    /// - Precondition: no two entries have one kind.
    public init(_ entries: [Entry]) {
        var seen: Set<String> = []
        for entry in entries {
            precondition(seen.insert(entry.spec.kind).inserted, "two processor kinds are called \(entry.spec.kind)")
        }
        self.entries = entries
    }

    public subscript(kind: String) -> Entry? { entries.first { $0.spec.kind == kind } }
}

extension ProcessorRegistry.Entry {
    /// The entry of a type that processes changes.
    public init<P: Processor>(_ type: P.Type) {
        self.init(spec: P.spec, mayRefuse: P.mayRefuse) { definition throws(TopologyFaults) in
            try P(definition)
        }
    }

    /// The entry of a kind that has several types, by its settings; `type` is the one that people know.
    public init<P: Processor>(
        _ type: P.Type,
        make: @escaping @Sendable (ProcessorDefinition) throws(TopologyFaults) -> (any Processor)?
    ) {
        self.init(spec: P.spec, mayRefuse: P.mayRefuse, make: make)
    }

    /// The entry of the projector, which the step itself runs: it makes changes instead of receiving them.
    public init(projector spec: KindSpec) {
        self.init(spec: spec, mayRefuse: false) { _ throws(TopologyFaults) in nil }
    }
}
