import EgizCore
import EgizRuntime
import EgizTwin
import Foundation
import Testing

@testable import EgizKafka

/// Faults in the answers to a publishing producer; only the embedded broker lets a test put them there.
@Suite(.enabled(if: TestCluster.external == nil)) struct OutputFaultTests {
    @Test func passingErrorsAreNotSeen() async throws {
        try await withLine { line, broker in
            broker.answer(.initProducerID, with: [KafkaCode.loadInProgress])
            let producer = try line.producer()
            broker.answer(.produce, with: [KafkaCode.notLeader])
            broker.answer(.addPartitions, with: [KafkaCode.concurrentTransactions])
            broker.answer(.addOffsets, with: [KafkaCode.loadInProgress])
            broker.answer(.transactionOffsetCommit, with: [KafkaCode.loadInProgress])
            broker.answer(.endTransaction, with: [KafkaCode.concurrentTransactions])
            #expect(try line.publish(producer, 0..<50).isPublished)
            #expect(line.published(50) == (0..<50).map { "n=\($0)" })
            producer.close()
        }
    }

    @Test(arguments: [KafkaCode.illegalGeneration, KafkaCode.unknownMember])
    func aGroupThatMovedOnIsTold(code: Int32) async throws {
        try await withLine { line, broker in
            let producer = try line.producer()
            broker.answer(.transactionOffsetCommit, with: [code])
            #expect(try line.publish(producer, 0..<5).isOutdated)
            #expect(try line.evidence() == nil)
            // The producer is as good as before.
            #expect(try line.publish(producer, 5..<10).isPublished)
            #expect(try line.evidence() != nil)
            producer.close()
        }
    }

    @Test(arguments: [EmbeddedBroker.Request.endTransaction, .addOffsets, .produce])
    func anotherProducerWithOurIdIsTold(request: EmbeddedBroker.Request) async throws {
        try await withLine { line, broker in
            let producer = try line.producer()
            // A produce request may be several, and librdkafka asks once more before it believes it.
            broker.answer(request, with: [Int32](repeating: KafkaCode.invalidProducerEpoch, count: 3))
            if request == .produce { broker.answer(.initProducerID, with: [KafkaCode.invalidProducerEpoch]) }
            #expect(try line.publish(producer, 0..<5).isFenced)
            #expect(try line.publish(producer, 0..<5).isFenced)
            producer.close()
        }
    }

    @Test func aForbiddenTopicStops() async throws {
        try await withLine { line, broker in
            let producer = try line.producer()
            broker.answer(.produce, with: [KafkaCode.topicAuthorizationFailed])
            let error = #expect(throws: EngineError.self) { try line.publish(producer, 0..<5) }
            #expect(error?.code == .kafka && error?.retry == .stop)
            #expect(try line.evidence() == nil)
            producer.close()
        }
    }

    @Test(arguments: [KafkaCode.messageTooLarge, KafkaCode.policyViolation], [true, false])
    func theBrokerRefusesOneRecord(code: Int32, transactional: Bool) async throws {
        try await withLine { line, broker in
            let producer = try line.producer(transactional: transactional)
            broker.answer(.produce, with: [code])
            let refused = try line.publish(producer, 0..<1).refused
            #expect(refused?.keys.sorted() == [0])
            #expect(refused?[0]?.retry == .never)
            #expect(try line.evidence() == nil)
            #expect(try line.publish(producer, 1..<10).isPublished)
            producer.close()
        }
    }

    @Test(arguments: [KafkaCode.messageTooLarge, KafkaCode.policyViolation], [true, false])
    func aRefusedBatchIsPublishedInParts(code: Int32, transactional: Bool) async throws {
        try await withLine { line, broker in
            let producer = try line.producer(transactional: transactional)
            // The whole batch, then a half of it; the rest passes.
            broker.answer(.produce, with: [code, code])
            #expect(try line.publish(producer, 0..<64).isPublished)
            let seen = line.published(64)
            // Aborted records stay visible on the embedded broker; the last run of each is what counts.
            #expect(seen.suffix(64) == (0..<64).map { "n=\($0)" })
            producer.close()
        }
    }

    @Test(arguments: [true, false]) func aFrozenBrokerIsGivenUpAndFoundAgain(transactional: Bool) async throws {
        try await withLine { line, broker in
            var deadlines = OutputDeadlines()
            (deadlines.publish, deadlines.abort) = (.seconds(3), .seconds(2))
            let producer = try line.producer(
                transactional ? ["transaction.timeout.ms": "2000"] : [:], transactional: transactional,
                deadlines: deadlines)
            #expect(try line.publish(producer, 0..<5).isPublished)
            // Longer than both deadlines; what was asked meanwhile is answered no earlier, also to the group's member.
            broker.delayAnswers(.seconds(8))
            let begin = ContinuousClock.now
            let error = #expect(throws: EngineError.self) { try line.publish(producer, 5..<10) }
            #expect(error?.retry == .backoff)
            #expect(ContinuousClock.now - begin < .seconds(7))
            broker.delayAnswers(.zero)
            try line.publishUntilDone(producer, 5..<10)
            #expect(line.published(10).suffix(5) == (5..<10).map { "n=\($0)" })
            producer.close()
        }
    }

    @Test func closingDoesNotWaitForAFrozenBroker() async throws {
        try await withLine { line, broker in
            var deadlines = OutputDeadlines()
            (deadlines.publish, deadlines.abort) = (.seconds(1), .seconds(1))
            let producer = try line.producer(["transaction.timeout.ms": "1000"], deadlines: deadlines)
            #expect(try line.publish(producer, 0..<5).isPublished)
            broker.delayAnswers(.seconds(30))
            #expect(throws: EngineError.self) { try line.publish(producer, 5..<10) }
            let begin = ContinuousClock.now
            producer.close()
            #expect(ContinuousClock.now - begin < .seconds(2))
            broker.delayAnswers(.zero)
        }
    }

    @Test func aBrokerThatIsAwayIsWaitedForToBegin() async throws {
        try await blocking {
            let port = try TestPorts.free()
            var deadlines = OutputDeadlines()
            deadlines.initialize = .seconds(1)
            let producer = try KafkaOutputProducerFactory(brokers: "127.0.0.1:\(port)", log: TestCluster.log)
                .producer("t", [:], deadlines)
            let error = #expect(throws: EngineError.self) { try producer.initialize() }
            #expect(error?.retry == .backoff)
            let broker = try EmbeddedBroker(topics: [("t", 1)], port: port, log: TestCluster.log)
            let deadline = ContinuousClock.now + .seconds(20)
            var isReady = false
            while !isReady, ContinuousClock.now < deadline { isReady = (try? producer.initialize()) != nil }
            #expect(isReady)
            producer.close()
            broker.stop()
        }
    }

    private func withLine(_ body: @Sendable (OutputLine, EmbeddedBroker) throws -> Void) async throws {
        try await blocking {
            let line = try OutputLine()
            let broker = try #require(line.cluster.broker)
            #expect(line.join())
            try body(line, broker)
            line.member.close()
        }
    }
}

extension OutputLine {
    func publish(_ producer: KafkaOutputProducer, _ range: Range<Int>) throws(EngineError) -> PublishOutcome {
        let membership = try member.consumer.membership()
        return try producer.publish(records(range), offsets: offsets(1, epoch: range.upperBound), as: membership)
    }

    /// As the engine does after `.backoff`, with a fresh membership after `.outdated`.
    func publishUntilDone(_ producer: KafkaOutputProducer, _ range: Range<Int>) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var last = "outdated"
        while ContinuousClock.now < deadline {
            member.poll()
            do throws(EngineError) {
                let before = member.assignments
                if try publish(producer, range).isPublished { return }
                // Publishing on would make librdkafka join anew each time, and never arrive.
                _ = poll([member], within: .seconds(15)) { member.assignments > before && member.owned.count == 2 }
            } catch {
                if error.retry != .backoff { throw error }
                last = error.description
            }
        }
        throw TestFailure("not published in time: \(last)")
    }
}
