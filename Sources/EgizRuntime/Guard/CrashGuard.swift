import EgizCore
import Foundation

/// Leaves the place of the record under way in a small mapped file, so that a trap, which leaves no time to say anything, does not
/// become a crash loop (rule 7): a worker that finds the file of a predecessor that ended inside a record counts it, and at the
/// third time at one place the stage does not start.
///
/// Three stores a record. Confined to one stream thread; the file survives the process because the kernel owns its pages.
final class CrashGuard {
    /// How often one record may end the process before its topology stops.
    static let mostCrashes = 3
    private static let magic: UInt64 = 0x6567_697A_6775_6172  // "egizguar"
    private static let size = 64

    private static let mostSlots = 256

    private let memory: UnsafeMutableRawPointer
    /// Locked as long as the thread lives: a file that nobody holds belongs to a thread that has ended.
    private let file: Int32

    /// Maps a file for a stream thread: the first that no living thread of any process holds. Nil where the folder cannot be
    /// written: then there is no guard.
    init?(folder: String, stage: StageName) {
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for slot in 0..<Self.mostSlots {
            let file = open(Self.path(folder, stage, slot), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return nil }
            guard flock(file, LOCK_EX | LOCK_NB) == 0, ftruncate(file, off_t(Self.size)) == 0,
                let mapped = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), mapped != MAP_FAILED
            else {
                close(file)
                continue
            }
            self.file = file
            memory = mapped
            memory.storeBytes(of: Self.magic, as: UInt64.self)
            leave()
            return
        }
        return nil
    }

    deinit {
        munmap(memory, Self.size)
        close(file)
    }

    /// A record is about to be processed.
    @inline(__always)
    func enter(topic: Int, partition: Int32, offset: Int64) {
        memory.storeBytes(of: offset, toByteOffset: 16, as: Int64.self)
        memory.storeBytes(of: Int32(truncatingIfNeeded: topic), toByteOffset: 24, as: Int32.self)
        memory.storeBytes(of: partition, toByteOffset: 28, as: Int32.self)
        memory.storeBytes(of: 1, toByteOffset: 8, as: Int64.self)
    }

    /// Nothing is being processed: the batch is done, or the thread waits for something that is not the record's fault.
    @inline(__always)
    func leave() { memory.storeBytes(of: 0, toByteOffset: 8, as: Int64.self) }

    // MARK: Before the thread starts

    /// Looks at what a predecessor left, and counts its crash. Throws `.bug`/`.stop` with the position at the third one.
    static func check(folder: String, stage: StageName, topics: [String]) throws(EngineError) {
        let ledger = folder + "/" + stage.text + ".crashes"
        var counts = read(ledger)
        for slot in 0..<mostSlots {
            let path = path(folder, stage, slot)
            let file = open(path, O_RDWR | O_CLOEXEC)
            // Slots are taken in order.
            guard file >= 0 else { break }
            defer { close(file) }
            guard flock(file, LOCK_EX | LOCK_NB) == 0, let position = left(in: path, topics: topics) else { continue }
            counts[position, default: 0] += 1
            write(counts, to: ledger)
            // Counted once.
            ftruncate(file, 0)
        }
        guard let (position, count) = counts.first(where: { $0.value >= mostCrashes }) else { return }
        throw EngineError(
            .bug, .stop,
            "the process ended \(count) times while processing \(position): a defect of egiz, please report it with the record. Stage \(stage) is not started again; after an update remove \(ledger) to try once more",
            detail: position)
    }

    /// The place of the record that was under way when the process ended; nil where none was.
    private static func left(in path: String, topics: [String]) -> String? {
        guard let data = FileManager.default.contents(atPath: path), data.count >= 32 else { return nil }
        return data.withUnsafeBytes { bytes in
            guard bytes.loadUnaligned(as: UInt64.self) == magic,
                bytes.loadUnaligned(fromByteOffset: 8, as: Int64.self) == 1
            else { return nil }
            let topic = Int(bytes.loadUnaligned(fromByteOffset: 24, as: Int32.self))
            let partition = bytes.loadUnaligned(fromByteOffset: 28, as: Int32.self)
            let offset = bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self)
            let name = topics.indices.contains(topic) ? topics[topic] : "topic \(topic)"
            return "\(name)[\(partition)] offset \(offset)"
        }
    }

    private static func path(_ folder: String, _ stage: StageName, _ slot: Int) -> String {
        "\(folder)/\(stage.text).\(slot).position"
    }

    private static func read(_ path: String) -> [String: Int] {
        guard let data = FileManager.default.contents(atPath: path) else { return [:] }
        return (try? JSONDecoder().decode([String: Int].self, from: data)) ?? [:]
    }

    private static func write(_ counts: [String: Int], to path: String) {
        guard let data = try? JSONEncoder().encode(counts) else { return }
        try? data.write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
