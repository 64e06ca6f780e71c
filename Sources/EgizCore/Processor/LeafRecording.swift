public import EgizTwin

/// What a processor records that keeps nothing but samples of leaves, as they come. The step asks it once a path and thing instead of
/// calling the processor for each event. Confined to the stream thread.
public final class LeafRecording {
    private let decide: ([String]) -> Bool
    /// What is known of each path, by its id: 0 nothing yet, 1 recorded, 2 left out.
    private var decisions: [UInt8] = []

    /// - Parameter decide: whether the path of these segments is recorded; asked once a path.
    public init(decide: @escaping ([String]) -> Bool) { self.decide = decide }

    public func records(_ path: PathID, in paths: PathTable) -> Bool {
        let index = Int(path.raw)
        if index >= decisions.count {
            decisions.append(contentsOf: repeatElement(0, count: index + 64 - decisions.count))
        }
        if decisions[index] == 0 { decisions[index] = decide(paths.segments(of: path)) ? 1 : 2 }
        return decisions[index] == 1
    }
}
