import EgizCommandLine

@main
enum Main {
    static func main() async { await EgizProgram.run() }
}
