import EgizCore
import EgizTwin

/// The bindings of all things that have the same ones.
final class BindingSet {
    let bindings: [Binding]
    var index: PathIndex
    /// Those that read what changes with every event.
    let always: [Int]

    init(_ bindings: [Binding]) {
        self.bindings = bindings
        var readers: [(path: [String], rule: Int)] = []
        var always: [Int] = []
        for (number, binding) in bindings.enumerated() {
            let reads = binding.reads
            for path in reads.paths { readers.append((path, number)) }
            if reads.always { always.append(number) }
        }
        index = PathIndex(readers)
        self.always = always
    }
}
