import EgizCore
import Foundation
import Logging

/// How one batch gets to Kafka, whatever happens to the group, the broker and the producer meanwhile.
extension PublishThread {
    func publish(_ batch: [Publication], _ first: any GroupMembership) throws(EngineError) {
        var batch = batch
        var membership = first
        var backoff = Backoff()
        var attempts = 0
        while true {
            batch = change { batch.filter { !isDropped($0) } }
            if read({ isStopping }) { return }
            do throws(EngineError) {
                switch try attempt(batch, membership) {
                case .published:
                    fatal = 0
                    // Also at the first attempt: the batch before may have been given up while it waited.
                    setup.status.recovered(.output)
                    finish(batch)
                    return
                case .refused(let refused):
                    try setAside(refused, of: &batch)
                case .fenced:
                    giveUp("another producer uses this thread's transactional id")
                    return
                case .outdated:
                    membership = try again(&batch, membership)
                }
            } catch {
                if error.code == .ownership {
                    // Offsets without records are only for lag tools: the new owner writes its own.
                    batch.removeAll { $0.outbox == nil && !$0.isBaseline }
                    membership = try again(&batch, membership)
                    continue
                }
                if error.retry == .stop, error.code == .kafka, fatal < Self.mostFatal {
                    // Whether the transaction landed may be unknown: the evidence says it, at the next takeover.
                    fatal += 1
                    giveUp("\(error)")
                    return
                }
                guard error.retry == .backoff else { throw error }
                attempts += 1
                if attempts == 1 {
                    setup.logger.warning("output waits for Kafka", metadata: [LogKey.error: "\(error)"])
                }
                setup.status.waiting(.output, error.message)
                pause(backoff.next())
            }
        }
    }

    /// The producer is of no more use: the stream thread takes its tasks over anew, and another one publishes what the evidence
    /// says is missing.
    func giveUp(_ why: String) {
        setup.logger.warning(
            "the output producer is replaced, its tasks are taken over anew", metadata: [LogKey.reason: "\(why)"])
        producer?.close()
        producer = nil
        change {
            wasFenced = true
            isBlocked = true
        }
    }

    func attempt(_ batch: [Publication], _ membership: any GroupMembership) throws(EngineError)
        -> PublishOutcome
    {
        var records: [OutputRecord] = []
        var offsets: [TopicPartition: GroupOffset] = [:]
        for publication in batch {
            records += publication.outbox?.records ?? []
            offsets.merge(publication.offsets) { _, later in later }
        }
        if records.isEmpty {
            if !offsets.isEmpty { try membership.commit(offsets) }
            return .published
        }
        let producer: any OutputProducer
        if let known = self.producer {
            producer = known
        } else {
            producer = try setup.outputs.openOutput(
                transactionalID: setup.transactionalID, properties: setup.properties)
            do throws(EngineError) { try producer.initialize() } catch {
                producer.close()
                throw error
            }
            self.producer = producer
        }
        return try producer.publish(records, offsets: offsets, as: membership)
    }

    func finish(_ batch: [Publication]) {
        change {
            for publication in batch where publication.outbox != nil {
                acknowledged.append(.init(task: publication.lease.task, epoch: publication.epoch))
            }
            baselines += batch.filter(\.isBaseline).map(\.lease)
            inHand = 0
            count()
        }
    }

    /// The group has moved on: only what is still ours is published again, from a new place in the group (rule 10).
    func again(_ batch: inout [Publication], _ old: any GroupMembership) throws(EngineError)
        -> any GroupMembership
    {
        change {
            if membership === old, !isMembershipOld {
                isMembershipOld = true
                awaitsAssignment = Date(timeIntervalSinceNow: Self.patience)
            }
        }
        let leases = batch.filter { $0.outbox != nil }.map(\.lease)
        if !leases.isEmpty {
            let lost = Set(try storeConnection().lost(of: leases))
            // Their later epochs must not be published past the missing ones.
            drop(leases.filter { lost.contains($0.task) })
        }
        condition.lock()
        defer { condition.unlock() }
        while !isStopping {
            batch.removeAll(where: isDropped)
            if let membership, !isMembershipOld { return membership }
            if batch.isEmpty { return old }
            condition.wait()
        }
        return old
    }

    /// Kafka will never take these: they go to the dead outputs, the rest is published without them (rule 12).
    func setAside(_ refused: [Int: EngineError], of batch: inout [Publication]) throws(EngineError) {
        var start = 0
        for index in batch.indices {
            guard var outbox = batch[index].outbox else { continue }
            let count = outbox.records.count
            var mine: [Int: EngineError] = [:]
            for (place, error) in refused where (start..<(start + count)).contains(place) {
                mine[place - start] = error
            }
            start += count
            guard !mine.isEmpty else { continue }
            do throws(EngineError) {
                try storeConnection().refuse(mine, of: outbox, lease: batch[index].lease)
            } catch {
                if error.code == .ownership {
                    drop([batch[index].lease])
                    continue
                }
                throw error
            }
            for (place, error) in mine {
                setup.logger.error(
                    "Kafka refuses a record for ever; it is in table dead_output",
                    metadata: [LogKey.topic: "\(outbox.records[place].topic)", LogKey.error: "\(error)"])
            }
            outbox.records = outbox.records.enumerated().filter { mine[$0.offset] == nil }.map(\.element)
            batch[index].outbox = outbox
        }
    }
}
