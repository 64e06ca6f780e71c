import EgizCore
import Testing

@testable import EgizRuntime

/// Rule 9: which outboxes are published is decided by the evidence in the group's offsets.
@Suite struct OutboxPlanTests {
    private func lease(epoch: Int64 = 10, incarnation: Int32 = 2, pending: Bool = true) -> TaskLease {
        var lease = TaskLease(
            task: TaskID(stage: StageName(topology: "t", source: "s"), partition: 0), ownerEpoch: 1, epoch: epoch,
            positions: [:], streamTime: nil, counters: StepCounters(), log: nil, previousOwner: nil)
        lease.incarnation = incarnation
        lease.hasPendingOutboxes = pending
        return lease
    }

    private func plan(
        _ lease: TaskLease, _ metadata: [String], embedded: Bool = false, sameLog: Bool = true,
        onGap: SourceDefinition.OnGap = .fail
    ) throws(EngineError) -> OutboxPlan {
        try OutboxPlan.make(
            lease: lease, found: metadata.map { GroupOffset(next: NextOffset(stored: 1), metadata: $0) },
            isEmbedded: embedded, isSameLog: sameLog, onGap: onGap)
    }

    @Test func outboxesBeyondTheEvidenceArePublished() throws {
        #expect(try plan(lease(), ["egiz:1:2:7"]) == .publish(after: 7))
        #expect(try plan(lease(), ["egiz:1:2:10"]) == .publish(after: 10))
    }

    @Test func aTopicWithoutEvidenceYetDoesNotHideThatOfTheOthers() throws {
        #expect(try plan(lease(), ["", "egiz:1:2:7"]) == .publish(after: 7))
    }

    @Test(arguments: [[], [""], ["foreign"], ["egiz:1:1:7"], ["egiz:2:2:7"], ["egiz:1:2:-7"], ["egiz:1:2"]])
    func missingOrForeignEvidenceStopsWhereSomethingIsPending(_ metadata: [String]) throws {
        let error = #expect(throws: EngineError.self) { try plan(lease(), metadata) }
        #expect(error?.code == .gap && error?.retry == .stop)
        #expect(try plan(lease(pending: false), metadata) == .publish(after: 0))
        #expect(try plan(lease(), metadata, embedded: true) == .publish(after: 0))
        #expect(try plan(lease(), metadata, onGap: .report) == .publish(after: 0))
    }

    @Test func evidenceBeyondPostgresMeansThatPostgresWentBackInTime() throws {
        let error = #expect(throws: EngineError.self) { try plan(lease(pending: false), ["egiz:1:2:11"]) }
        #expect(error?.detail == "evidence")
        #expect(try plan(lease(), ["egiz:1:2:11"], onGap: .report) == .beginAnew)
    }

    @Test func evidenceOfALifeBeforeAPurgeSaysNothing() throws {
        #expect(try plan(lease(epoch: 0, pending: false), ["egiz:1:2:11"]) == .publish(after: 0))
    }

    @Test func evidenceOfAnotherLogSaysNothing() throws {
        #expect(try plan(lease(), ["egiz:1:2:99"], sameLog: false) == .publish(after: 0))
    }
}
