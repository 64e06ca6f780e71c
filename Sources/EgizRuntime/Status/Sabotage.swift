#if EGIZ_SABOTAGE
import EgizCore
import Foundation
import Synchronization

/// A fault built into the engine on purpose, so that the chaos harness can show that it would find it (`docs/chaos.md`).
///
/// Compiled only with `-Xswiftc -DEGIZ_SABOTAGE`, and chosen by the environment variable `EGIZ_SABOTAGE`; no normal build
/// contains a line of it.
public enum Sabotage: String, Sendable {
    /// The fence of an epoch always holds: a zombie writes.
    case noFence = "no-fence"
    /// Now and then the segments of an epoch are written twice, as if its transaction had been run again.
    case doubleCommit = "double-commit"
    /// Now and then the records that an epoch emits are thrown away.
    case dropOutbox = "drop-outbox"
    /// A task that is taken over begins one record too late.
    case skipOffset = "skip-offset"

    /// What this process was told to do wrong; an unknown word ends it, because a sabotage that does nothing proves nothing.
    public static let current: Sabotage? = {
        guard let word = ProcessInfo.processInfo.environment["EGIZ_SABOTAGE"], !word.isEmpty else { return nil }
        guard let sabotage = Sabotage(rawValue: word) else {
            preconditionFailure(
                "EGIZ_SABOTAGE is \"\(word)\"; expected no-fence, double-commit, drop-outbox or skip-offset")
        }
        return sabotage
    }()

    private static let occasions = Atomic<Int>(0)

    /// True for every twentieth occasion of the sabotage that was chosen.
    public static func isDue(_ sabotage: Sabotage) -> Bool {
        current == sabotage && occasions.add(1, ordering: .relaxed).newValue % 20 == 0
    }

    /// The positions of a takeover, each one record too late where the log has another one behind it.
    static func skipping(
        _ positions: [TopicPartition: NextOffset], _ watermarks: [TopicPartition: LogWatermarks]
    ) -> [TopicPartition: NextOffset] {
        guard current == .skipOffset else { return positions }
        var positions = positions
        for (partition, position) in positions {
            guard position.raw > 0, let end = watermarks[partition]?.end.raw, position.raw + 1 < end else { continue }
            positions[partition] = NextOffset(stored: position.raw + 1)
        }
        return positions
    }
}
#endif
