import EgizCore
import EgizProcessors
import Synchronization

/// The processor kinds of this program: set before the command line is read, and not changed afterwards.
enum Kinds {
    private static let known = Mutex(ProcessorRegistry.builtin)

    static var registry: ProcessorRegistry { known.withLock { $0 } }

    static func add(_ kinds: [ProcessorRegistry.Entry]) {
        known.withLock { $0 = $0.adding(kinds) }
    }
}
