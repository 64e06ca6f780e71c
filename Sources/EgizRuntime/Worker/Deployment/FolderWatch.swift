/// Decides when the files of a watched folder are to be looked at: when they differ from what was handled, and have stood still
/// for two looks, so that a file that is being written is not taken. Pure; what reads the folder calls `look`.
public struct FolderWatch {
    private var last: [String: [UInt8]?]?
    private var handled: [String: [UInt8]?]?
    /// The topology that a file held when it was last valid.
    private var names: [String: String] = [:]

    public init() {}

    /// - Parameter files: content by path; nil where a file cannot be read.
    /// - Returns: true where they are to be handled now. Until `settled` is called the next look says so again.
    public mutating func look(_ files: [String: [UInt8]?]) -> Bool {
        defer { last = files }
        return files == last && files != handled
    }

    /// The files as of the last look were handled; `valid` is the topology of each that could be read.
    ///
    /// - Returns: the topologies that no file holds any more. A file that has become invalid still holds the one it had; a folder
    ///   without any file says nothing, because a volume that is not mounted looks like that.
    public mutating func settled(_ valid: [String: String]) -> [String] {
        handled = last
        let present = Set((last ?? [:]).keys)
        var now = names.filter { present.contains($0.key) }
        now.merge(valid) { _, new in new }
        let gone = Set(names.values).subtracting(now.values)
        if present.isEmpty { return [] }
        names = now
        return gone.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
