import EgizTesting
import Foundation
import Synchronization
import Testing

@testable import EgizRuntime

@Suite struct ThreadsTests {
    @Test func backoffGrowsToItsBoundAndNeverSpins() {
        var backoff = Backoff(first: .milliseconds(10), most: .milliseconds(100))
        for bound in [10, 20, 40, 80, 100, 100, 100] {
            let wait = backoff.next()
            #expect(wait >= .milliseconds(bound) / 2 && wait <= .milliseconds(bound))
        }
        backoff.reset()
        #expect(backoff.next() <= .milliseconds(10))
    }

    /// What changes just after an outage has to be in force within two seconds.
    @Test func nobodyWaitsMoreThanASecondByDefault() {
        var backoff = Backoff()
        for _ in 0..<20 { #expect(backoff.next() <= .seconds(1)) }
    }

    @Test func aFlagWakesItsWaitersAndStaysRaised() async {
        let flag = Flag()
        #expect(!flag.isRaised)
        #expect(!flag.wait(until: .now))
        async let woken = onThread { flag.wait(until: Date(timeIntervalSinceNow: 20)) }
        flag.raise()
        #expect(await woken)
        #expect(flag.isRaised && flag.wait(until: .distantPast))
    }

    @Test func callbacksRunOnceWhetherSetBeforeOrAfter() {
        let flag = Flag()
        let calls = Mutex(0)
        flag.onRaise { calls.withLock { $0 += 1 } }
        flag.raise()
        flag.raise()
        flag.onRaise { calls.withLock { $0 += 1 } }
        #expect(calls.withLock { $0 } == 2)
    }

    @Test func aThreadCanBeJoinedWithADeadlineAndWithoutBlocking() async {
        let gate = Flag()
        let thread = OSThread(name: "test") { gate.wait(until: Date(timeIntervalSinceNow: 20)) }
        #expect(!thread.join(until: .now))
        gate.raise()
        await thread.joined()
        #expect(thread.join(until: .distantPast))
    }
}
