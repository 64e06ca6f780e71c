import ArgumentParser
public import EgizCore

/// The program `egiz`, for programs of others that bring processor kinds of their own.
public enum EgizProgram {
    /// Runs the command line of this process to its end; it exits with its code where that is not 0.
    ///
    /// - Parameter kinds: in addition to those that come with Digital Egiz. Every command knows them: files are checked against their
    ///   words, workers run them, `egiz kinds` lists them.
    /// - Precondition: no two kinds have one name.
    public static func run(adding kinds: [ProcessorRegistry.Entry] = []) async {
        Kinds.add(kinds)
        await Egiz.main()
    }
}
