import ArgumentParser
import CommandOptions
import ModelFormats

/// One entry of `tasks` in a recipe of `potstill multitask`.
struct TaskEntry {
  /// Name of the task in logs, in scores and of its folder.
  let name: String
  /// Teacher of the task; nil learns it from labels alone, or from cached answers.
  let teacher: String?
  /// The teacher's answers, made by `potstill cache`.
  let teacherCache: String?
  /// Factor of how often the task is drawn, besides its size.
  let weight: Double
  /// TextBrewer's keys that win over those of all tasks.
  let distillation: JSONObject
  /// File of further texts for the teacher to label.
  let unlabelledFile: String?
  /// The task and its files.
  let options: TaskOptions

  /// Whether there is a teacher, or its answers.
  var hasTeacher: Bool { teacher != nil || teacherCache != nil }

  /// The user's files that the task reads.
  var inputs: [String] { options.inputs + [teacher, teacherCache, unlabelledFile].compactMap { $0 } }

  /// The keys of an entry besides those of `TaskOptions`.
  private static let ownKeys = [
    "name", "teacher", "teacher_cache", "weight", "distillation", "unlabelled_file",
  ]

  /// Reads the list of a recipe.
  ///
  /// - Throws: `CommandError` with every fault.
  static func read(_ json: JSONValue) throws -> [TaskEntry] {
    guard let list = json.arrayValue, !list.isEmpty else {
      throw CommandError(
        "tasks: found \(json.compactText.prefix(60)), expected a list of entries such as {task: sst2, data: SST-2/, "
          + "teacher: teacher/}")
    }
    var faults: [String] = []
    var entries: [TaskEntry] = []
    let blank = try TaskOptions.parse([])
    for (index, value) in list.enumerated() {
      let place = "tasks[\(index)]"
      guard let object = value.objectValue else {
        faults.append("\(place): found \(value.compactText), expected keys such as task, data and teacher")
        continue
      }
      if let entry = TaskEntry(object, place, blank, &faults) { entries.append(entry) }
    }
    let names = entries.map(\.name)
    for (index, name) in names.enumerated() where names[..<index].contains(name) {
      faults.append("two tasks are called \(name); give each a name of its own (name: …)")
    }
    guard faults.isEmpty else { throw CommandError(faults.joined(separator: "\n  ")) }
    return entries
  }

  private init?(
    _ object: JSONObject, _ place: String, _ blank: TaskOptions, _ faults: inout [String]
  ) {
    let before = faults.count
    func text(_ key: String, _ faults: inout [String]) -> String? {
      guard let value = object[key], !value.isNull else { return nil }
      if let text = value.stringValue, !text.isEmpty { return text }
      faults.append("\(place).\(key): found \(value.compactText), expected a name or a path")
      return nil
    }
    let fileKeys = blank.recipeKeys
    let known = Self.ownKeys + fileKeys
    for (key, _) in object where !known.contains(key) {
      let hint = suggestion(for: key, among: known).map { "did you mean \($0)?" }
      faults.append("\(place): unknown key \(key); \(hint ?? "it takes \(known.joined(separator: ", "))")")
    }
    let files = fileKeys.compactMap { key in
      object[key].flatMap { $0.isNull ? nil : RecipeFile.Entry(key, $0) }
    }
    for key in ["task", "data"] where object[key] == nil { faults.append("\(place).\(key): is missing") }
    teacher = text("teacher", &faults)
    teacherCache = text("teacher_cache", &faults)
    unlabelledFile = text("unlabelled_file", &faults)
    name = text("name", &faults) ?? Self.name(of: text("task", &faults) ?? "")
    weight = object["weight"]?.doubleValue ?? 1
    if let value = object["weight"], !(value.doubleValue.map { $0 >= 1e-9 && $0 <= 1e9 } ?? false) {
      faults.append(
        "\(place).weight: found \(value.compactText), expected a number above 0, from 1e-9 to 1e9")
    }
    if let value = object["distillation"], value.objectValue == nil {
      faults.append("\(place).distillation: found \(value.compactText), expected keys such as temperature: 8")
    }
    distillation = object["distillation"]?.objectValue ?? JSONObject()
    if unlabelledFile != nil, teacher == nil, teacherCache == nil {
      faults.append("\(place).unlabelled_file: needs a teacher that labels the texts")
    }
    do {
      // An entry has no lines: its faults have the place of the whole.
      options = try RecipeFile(path: place, entries: files).filling(blank, of: "distill")
    } catch let error as RecipeError {
      faults += error.faults.map { $0.replacing("\(place):0: ", with: "\(place): ") }
      return nil
    } catch {
      faults.append("\(place): \(TaskOptions.message(for: error))")
      return nil
    }
    if faults.count > before { return nil }
  }

  /// The file's name without folder and ending, where a task is a path.
  private static func name(of task: String) -> String {
    let file = task.split(separator: "/").last.map(String.init) ?? task
    return file.hasSuffix(".yaml") ? String(file.dropLast(5)) : file
  }
}

/// Options of several tasks and their student.
package struct MultitaskOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The tasks as a JSON list; a recipe holds them as a list.", valueName: "list"))
  package var tasks: JSONArgument?

  @Option(
    help: ArgumentHelp(
      "T6, T3 (any T<n>), uniform:3, last:3, first:3 or layers:0,5,11 of the first teacher, T3-small, T4-tiny, T12-nano, "
        + "BiGRU, BiLSTM, CNN, or a Hugging Face directory.",
      valueName: "student"))
  package var student: String?

  @Option(help: "Power of the tasks' sizes in their chance: 1 draws in proportion, 0 evenly (default: 1).")
  package var tau: Double?

  @OptionGroup
  package var held: TeacherPrecisionOption

  package init() {}
}
