import EgizRuntime
import Testing

@Suite struct FolderWatchTests {
    @Test func aChangeIsHandledOnceItHasStoodStill() {
        var watch = FolderWatch()
        func look(_ files: [String: [UInt8]?]) -> Bool { watch.look(files) }
        #expect(look(["a": [1]]) == false)
        #expect(look(["a": [1]]) == true)
        let gone = watch.settled(["a": "line"])
        #expect(gone == [])
        #expect(look(["a": [1]]) == false)
        // Still being written.
        #expect(look(["a": [2]]) == false)
        #expect(look(["a": [2, 3]]) == false)
        #expect(look(["a": [2, 3]]) == true)
        // Not settled: Postgres was away.
        #expect(look(["a": [2, 3]]) == true)
    }

    @Test func aTopologyIsGoneOnlyWithItsFile() {
        var watch = FolderWatch()
        func settle(_ files: [String: [UInt8]?], _ valid: [String: String]) -> [String] {
            _ = watch.look(files)
            _ = watch.look(files)
            return watch.settled(valid)
        }
        #expect(settle(["a": [1], "b": [1]], ["a": "line", "b": "packing"]) == [])
        #expect(settle(["a": [9], "b": [1]], ["b": "packing"]) == [], "an invalid file still stands for its topology")
        #expect(settle(["a": [1], "c": [1]], ["a": "line", "c": "packing"]) == [], "renamed")
        #expect(settle([:], [:]) == [], "a folder that is not mounted")
        #expect(settle(["a": [1]], ["a": "line"]) == ["packing"])
        #expect(settle(["a": [2]], ["a": "other"]) == ["line"])
    }
}
