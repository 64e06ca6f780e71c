public import EgizCore
import EgizTwin

/// The properties that a thing's bindings have set.
public final class SceneState: ProcessorState {
    struct Entry {
        var object: String
        var target: String
        /// Nil: not set.
        var value: SceneValue?
        /// Of the mapping's steps, -1 below all of them.
        var step = -1
        /// The open epoch has changed it.
        var isDirty = false
        var revision: Int64 = 0
        var time = EventTime(microseconds: 0)
        var topic = 0
        var offset: Int64 = -1

        func isSame(as other: Entry) -> Bool {
            object.utf8.elementsEqual(other.object.utf8) && target.utf8.elementsEqual(other.target.utf8)
        }
    }

    public static let version: UInt8 = 1

    /// In the order of the set's bindings.
    var entries: [Entry] = []
    /// Entries of bindings that are gone, whose rows the epoch deletes.
    var gone: [Entry] = []
    /// Found again after a restore.
    var set: BindingSet?
    /// Of the processor's rules when the set was found.
    var generation = 0

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        for _ in 0..<(try reader.count()) {
            var entry = Entry(object: try reader.text(), target: try reader.text())
            entry.step = Int(try reader.int64())
            entry.value = try SceneValue(from: &reader)
            entries.append(entry)
        }
    }

    public func encode(into writer: inout StateWriter) {
        let known = entries.filter { $0.value != nil }
        writer.write(count: known.count)
        for entry in known {
            writer.write(entry.object)
            writer.write(entry.target)
            writer.write(Int64(entry.step))
            entry.value?.encode(into: &writer)
        }
    }

    public func copy() -> SceneState {
        let copy = SceneState()
        (copy.entries, copy.gone, copy.set, copy.generation) = (entries, gone, set, generation)
        return copy
    }

    public var isEmpty: Bool { entries.allSatisfy { $0.value == nil } }

    /// Takes another set: what it has in common with the one before keeps its value, what is gone will be deleted.
    func adopt(_ set: BindingSet, generation: Int) {
        var before = entries
        entries = set.bindings.map { binding in
            if let place = before.firstIndex(where: {
                $0.object.utf8.elementsEqual(binding.object.utf8)
                    && $0.target.utf8.elementsEqual(binding.target.name.utf8)
            }) {
                return before.remove(at: place)
            }
            return Entry(object: binding.object, target: binding.target.name)
        }
        gone += before.filter { $0.value != nil }
        self.set = set
        self.generation = generation
    }
}
