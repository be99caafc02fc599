//! Edits of a repository's files, and the steps that a plan makes of them.

use entragit::emulator::contoso::names;
use serde_json::Value;

use super::command_line::World;

/// What a plan would do, one step a line, by name.
pub(crate) fn steps(plan: &Value) -> String {
    let line = |step: &Value| {
        let word = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", word("action"), word("kind"), word("name"))
    };
    plan["steps"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(crate) fn replace(world: &World, path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(world.path().join(path)).unwrap();
    assert!(text.contains(from), "{path}: {text}");
    world.write(path, &text.replacen(from, to, 1));
}

/// The file of a policy that leaves the emergency accounts' group out, and the lines that do.
pub(crate) fn sheltering(world: &World) -> (String, String) {
    let files = world.git(&["grep", "-l", names::EMERGENCY_ACCESS, "--", "conditional-access/policies"]);
    let path = files.lines().next().unwrap().to_owned();
    let text = std::fs::read_to_string(world.path().join(&path)).unwrap();
    let line = text.lines().position(|line| line.contains(names::EMERGENCY_ACCESS)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[line - 1].ends_with("excludeGroups:"), "{text}");
    (path, lines[line - 1..=line].join("\n") + "\n")
}
