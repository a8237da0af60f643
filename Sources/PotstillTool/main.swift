import CBuild
import Foundation
import PotstillCommands

CommandLineTool.main(commit: String(cString: potstill_commit()))
