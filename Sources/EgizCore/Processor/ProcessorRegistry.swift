/// The kinds a program knows. Built from a list in the code, in one place; no scanning at run time.
public struct ProcessorRegistry: Sendable {
    public struct Entry: Sendable {
        public let spec: KindSpec
        public let mayRefuse: Bool
        /// Builds a processor of changes; nil for every other kind, whose settings it checks all the same.
        public let make: @Sendable (ProcessorDefinition) throws(TopologyFaults) -> (any Processor)?
        /// Nil where the kind is none that works on records as they are.
        public let makeOfRecords: (@Sendable (ProcessorDefinition) throws(TopologyFaults) -> any RecordProcessor)?
        /// Nil where the kind is no caller.
        public let makeCaller: (@Sendable (ProcessorDefinition) throws(TopologyFaults) -> any Caller)?
        /// The step itself does its work; what `make` builds only tells of it.
        public let isProjector: Bool

        init(
            spec: KindSpec, mayRefuse: Bool, isProjector: Bool = false,
            ofRecords: (@Sendable (ProcessorDefinition) throws(TopologyFaults) -> any RecordProcessor)? = nil,
            caller: (@Sendable (ProcessorDefinition) throws(TopologyFaults) -> any Caller)? = nil,
            make: @escaping @Sendable (ProcessorDefinition) throws(TopologyFaults) -> (any Processor)?
        ) {
            self.spec = spec
            self.mayRefuse = mayRefuse
            self.make = make
            makeOfRecords = ofRecords
            makeCaller = caller
            self.isProjector = isProjector
        }
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

    /// With further kinds behind these.
    ///
    /// - Precondition: no two have one name.
    public func adding(_ further: [Entry]) -> ProcessorRegistry { ProcessorRegistry(entries + further) }

    public subscript(kind: String) -> Entry? { entries.first { $0.spec.kind == kind } }

    /// The caller of a stage, if its processor is one; it is then alone there.
    public func caller(of stage: StageDefinition) throws(TopologyFaults) -> (name: String, caller: any Caller)? {
        for definition in stage.processors {
            if let make = self[definition.kind]?.makeCaller { return (definition.name, try make(definition)) }
        }
        return nil
    }
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

    /// The entry of a type that processes records as they are.
    public init<P: RecordProcessor>(records type: P.Type) {
        self.init(
            spec: P.spec, mayRefuse: true,
            ofRecords: { definition throws(TopologyFaults) in try P(definition) }
        ) { definition throws(TopologyFaults) in
            _ = try P(definition)
            return nil
        }
    }

    /// The entry of a type that asks somebody outside.
    public init<C: Caller>(caller type: C.Type) {
        self.init(
            spec: C.spec, mayRefuse: true, caller: { definition throws(TopologyFaults) in try C(definition) }
        ) { definition throws(TopologyFaults) in
            _ = try C(definition)
            return nil
        }
    }

    /// The entry of the projector, which the step itself runs: it makes changes instead of receiving them.
    ///
    /// - Parameter publisher: what tells others of its changes, first of all processors; nil: they are not told.
    public init(
        projector spec: KindSpec,
        publisher: @escaping @Sendable (ProcessorDefinition) throws(TopologyFaults) -> (any Processor)? = { _ in nil }
    ) {
        self.init(spec: spec, mayRefuse: false, isProjector: true, make: publisher)
    }
}
