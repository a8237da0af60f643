import PotstillCommands

CommandLineTool.main()
