//! Tests the help: what it hides, and its words as a whole.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory as _};

use super::Cli;

/// Variables that hold nothing that must not be seen.
const SHOWN: &[&str] = &["AZURE_TENANT_ID", "ENTRAGIT_REPO"];

#[test]
fn help_hides_every_variable_that_may_hold_a_secret() {
    fn walk(command: &Command, seen: &mut usize) {
        for argument in command.get_arguments() {
            let Some(name) = argument.get_env().and_then(|name| name.to_str()) else { continue };
            *seen += 1;
            let (place, shown) = (command.get_name(), SHOWN.contains(&name));
            assert!(shown || argument.is_hide_env_values_set(), "{place}: `hide_env_values` is missing at {name}");
        }
        command.get_subcommands().for_each(|command| walk(command, seen));
    }
    let mut seen = 0;
    walk(&Cli::command(), &mut seen);
    assert!(seen > 10, "{seen}");
}

/// Checks that `help.txt` holds the help of every command, so that a change of its words is seen as a whole.
/// `ENTRAGIT_UPDATE=1 cargo test help_of_every_command` makes it anew.
#[test]
#[cfg(feature = "emulator")]
fn help_of_every_command_is_in_one_document() {
    fn walk(command: &mut Command, out: &mut String) {
        *out += &format!("{}\n\n", "=".repeat(80));
        *out += &command.render_long_help().to_string();
        command
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
            .for_each(|command| walk(command, out));
    }
    // What is the same everywhere is shown once.
    fn briefly(command: Command, seen: &mut BTreeSet<String>) -> Command {
        let command = command.mut_args(|argument| {
            let shared = argument.is_global_set() || argument.get_help_heading() == Some("Sign-in");
            let again = shared && !seen.insert(argument.get_id().to_string());
            argument.hide_env_values(true).hide(again)
        });
        let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        names.iter().fold(command, |command, name| command.mut_subcommand(name, |command| briefly(command, seen)))
    }
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut command = briefly(command, &mut BTreeSet::new());
    let mut text = String::new();
    walk(&mut command, &mut text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let text = format!("{}\n", lines.join("\n"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/help.txt");
    if std::env::var_os("ENTRAGIT_UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == text, "ENTRAGIT_UPDATE=1 cargo test help_of_every_command makes {path} anew");
}
