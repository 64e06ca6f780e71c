import EgizCore
import EgizTwin

/// A topology as far as it could be read, with the places that the checks of the whole graph need. Parts with faults are in
/// it with stand-ins, so that they are not reported as missing again.
struct DraftTopology {
    struct Source {
        var definition: SourceDefinition
        /// False where the format could not be read: nothing is concluded from it then.
        var hasFormat: Bool
    }

    struct Processor {
        var definition: ProcessorDefinition
        /// Nil where the kind is unknown.
        var spec: KindSpec?
        /// The place of the value of `from`; nil where it could not be read.
        var fromMark: SourceMark?
    }

    var sources: [Source] = []
    var processors: [Processor] = []
}
