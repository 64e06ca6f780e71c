// For test kits that look at what goes into processors and what comes out.
extension ProcessorRegistry {
    /// The same kinds, each instance as `wrap` hands it on.
    package func wrapping(
        _ wrap: @escaping @Sendable (any Processor, ProcessorDefinition) -> any Processor
    ) -> ProcessorRegistry {
        ProcessorRegistry(
            entries.map { entry in
                Entry(
                    spec: entry.spec, mayRefuse: entry.mayRefuse, isProjector: entry.isProjector,
                    ofRecords: entry.makeOfRecords,
                    caller: entry.makeCaller
                ) { definition throws(TopologyFaults) in
                    guard let made = try entry.make(definition) else { return nil }
                    return wrap(made, definition)
                }
            })
    }
}
