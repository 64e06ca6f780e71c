public import EgizCore

/// What a topology's state depends on: its stages and their processors. State of one shape is not for another.
public struct StateShape: Sendable, Equatable {
    public struct Processor: Sendable, Equatable {
        public var name: String
        public var kind: String
        /// The version of its state's binary form: in a file the newest that is in it, in a program the newest it reads; nil where
        /// it has none, or nobody knows.
        public var stateVersion: UInt8?

        public init(name: String, kind: String, stateVersion: UInt8? = nil) {
            self.name = name
            self.kind = kind
            self.stateVersion = stateVersion
        }
    }

    public struct Stage: Sendable, Equatable {
        public var name: StageName
        /// 0 where it never ran.
        public var partitions: Int32
        public var processors: [Processor]

        public init(name: StageName, partitions: Int32 = 0, processors: [Processor]) {
            self.name = name
            self.partitions = partitions
            self.processors = processors
        }
    }

    public var topology: String
    public var stages: [Stage]

    public init(topology: String, stages: [Stage]) {
        self.topology = topology
        self.stages = stages
    }

    public init(_ topology: Topology) {
        self.init(
            topology: topology.name,
            stages: topology.stages.map { stage in
                Stage(
                    name: stage.name,
                    processors: stage.processors.map { Processor(name: $0.name, kind: $0.kind) })
            })
    }

    /// What keeps state of the shape `file` from being used here, one sentence each; empty where nothing does.
    func differences(from file: StateShape) -> [String] {
        var found: [String] = []
        if topology != file.topology { found.append("it is of topology \(file.topology), not \(topology)") }
        for stage in stages where !file.stages.contains(where: { $0.name == stage.name }) {
            found.append("it has no stage \(stage.name)")
        }
        for stage in file.stages {
            guard let mine = stages.first(where: { $0.name == stage.name }) else {
                found.append("its stage \(stage.name) is not in the topology")
                continue
            }
            if mine.partitions != 0, stage.partitions != 0, mine.partitions != stage.partitions {
                found.append(
                    "its stage \(stage.name) has \(stage.partitions) partitions, here it has \(mine.partitions)")
            }
            found += mine.processorDifferences(from: stage)
        }
        return found
    }
}

extension StateShape.Stage {
    fileprivate func processorDifferences(from file: Self) -> [String] {
        var found: [String] = []
        for processor in processors where !file.processors.contains(where: { $0.name == processor.name }) {
            found.append("its stage \(name) has no processor \(processor.name)")
        }
        for processor in file.processors {
            guard let mine = processors.first(where: { $0.name == processor.name }) else {
                found.append("its processor \(processor.name) is not in stage \(name)")
                continue
            }
            if mine.kind != processor.kind {
                found.append("its processor \(processor.name) is a \(processor.kind), here it is a \(mine.kind)")
            } else if let read = mine.stateVersion, let written = processor.stateVersion, written > read {
                found.append(
                    "the state of its processor \(processor.name) has version \(written), this program reads up to \(read)"
                )
            }
        }
        return found
    }
}
