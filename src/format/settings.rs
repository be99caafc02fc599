//! Reads `entragit.yaml`: the settings of a tenant repository.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::yaml::{self, Document};
use crate::model::Finding;
use crate::model::finding::{MOST_PER_FILE, Position, Severity};

mod approval;
mod branches;
mod drift;
mod scope;
mod weaker;

pub use approval::Approval;
use branches::collision;
pub use branches::{Branches, MainMode, branch_fault};
pub use drift::Ignore;
pub use scope::Scope;

pub use crate::model::kind::Profile;

/// Holds the settings of a tenant repository.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Id of the tenant.
    pub tenant: String,
    /// Name of the cloud: `public`.
    pub cloud: String,
    /// Scope of an export.
    pub scope: Scope,
    /// Ids or user principal names of the emergency accounts.
    pub break_glass: Vec<String>,
    /// Form in which administrators appear in trailers and notes.
    pub actors: Actors,
    /// Names of the two branches.
    pub branches: Branches,
    /// Tells whether new snapshots move the branch that people work on.
    pub main: MainMode,
    /// Limits that pass without a question.
    pub guards: Guards,
    /// Signatures that a plan needs before it is carried out.
    pub approval: Approval,
    /// Maximum age of the last snapshot before `status` reports it.
    pub objective: SignedDuration,
    /// Rules for differences that are no drift.
    pub ignore: Vec<Ignore>,
}

/// Tells how administrators appear in trailers and notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Actors {
    /// They appear by name.
    #[default]
    Names,
    /// They appear by object id.
    Ids,
    /// They do not appear.
    Off,
}

/// Holds the limits that pass without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// Number of deletions.
    pub max_deletes: usize,
    /// Deletions in per cent of the objects known; the larger limit counts.
    pub max_deletes_percent: usize,
    /// Number of objects of one kind that are changed in place.
    pub max_changes: usize,
    /// Changes in per cent of the objects known of the kind; the larger limit counts.
    pub max_changes_percent: usize,
    /// Number of removed entries of one link.
    pub max_unlinks: usize,
}

impl Settings {
    /// Returns the settings file that `init` writes.
    pub fn template(tenant: &str, break_glass: &[String], main: MainMode) -> String {
        let accounts = match break_glass {
            [] => " []".to_owned(),
            some => some.iter().map(|account| format!("\n  - {}", quoted(account))).collect(),
        };
        let tenant = quoted(tenant);
        format!(
            "# Settings of this tenant repository. `entragit --help` says what the commands do.\n\
             tenant: {tenant}\n\
             cloud: public\n\
             \n\
             {}\
             \n\
             # Emergency accounts, by user principal name or object id. No plan may take anything from them.\n\
             breakGlass:{accounts}\n\
             \n\
             # How administrators appear in commits and notes: names, ids or off.\n\
             actors: names\n\
             \n\
             branches:\n\
             \x20 # What the tenant was; written by entragit alone.\n\
             \x20 snapshots: snapshots\n\
             \x20 # What the tenant should be; yours.\n\
             \x20 main: main\n\
             \n\
             # Whether changes of the tenant flow into main by themselves (follow), or wait there until somebody accepts or rejects\n\
             # them (hold).\n\
             main: {}\n\
             \n\
             # These, and the emergency accounts, count as they are in origin/main, else in the last snapshot.\n\
             guards:\n\
             \x20 # A plan that deletes more than both of these, in all or of one kind, is refused.\n\
             \x20 maxDeletes: 10\n\
             \x20 maxDeletesPercent: 5\n\
             \x20 # So is one that changes more objects of a kind than both of these, or takes away more links.\n\
             \x20 maxChanges: 100\n\
             \x20 maxChangesPercent: 20\n\
             \x20 maxUnlinks: 100\n\
             \n\
             {}\n{}",
            scope::TEMPLATE,
            main.as_str(),
            drift::TEMPLATE,
            approval::TEMPLATE
        )
    }

    /// Reads settings.
    ///
    /// # Errors
    /// Everything that is wrong with the settings, with lines.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Settings, Vec<Finding>> {
        let document = yaml::read(path, bytes)?;
        let mut reader = Reader { path, document: &document, check: "settings", findings: Vec::new() };
        let top = &document.value;
        let known = ["tenant", "cloud", "breakGlass", "actors", "branches", "main", "guards"];
        reader.only(top, "", &[&known[..], scope::KNOWN, drift::KNOWN, approval::KNOWN].concat());
        let tenant = reader.tenant(top);
        let scope = scope::scope(&mut reader, top);
        let actors = reader.actors(top);
        let main = reader.main_mode(top);
        let empty = Map::new();
        for name in ["branches", "guards", "filter", "drift", "approval"] {
            if top.get(name).is_some_and(|section| !section.is_object() && !section.is_null()) {
                reader.say(&format!("/{name}"), format!("`{name}` holds settings of its own, one a line and indented"));
            }
        }
        let section = |name: &str| top.get(name).and_then(Value::as_object).unwrap_or(&empty);
        reader.only(section("branches"), "/branches", &["snapshots", "main"]);
        reader.only(
            section("guards"),
            "/guards",
            &["maxDeletes", "maxDeletesPercent", "maxChanges", "maxChangesPercent", "maxUnlinks"],
        );
        let settings = Settings {
            tenant,
            cloud: reader.text(top, "", "cloud", "public"),
            scope,
            break_glass: reader.texts(top, "breakGlass"),
            actors,
            branches: Branches {
                snapshots: reader.text(section("branches"), "/branches", "snapshots", "snapshots"),
                main: reader.text(section("branches"), "/branches", "main", "main"),
            },
            main,
            guards: Guards {
                max_deletes: reader.number(section("guards"), "/guards", "maxDeletes", 10),
                max_deletes_percent: reader.number(section("guards"), "/guards", "maxDeletesPercent", 5),
                max_changes: reader.number(section("guards"), "/guards", "maxChanges", 100),
                max_changes_percent: reader.number(section("guards"), "/guards", "maxChangesPercent", 20),
                max_unlinks: reader.number(section("guards"), "/guards", "maxUnlinks", 100),
            },
            approval: approval::approval(&mut reader, section("approval")),
            objective: drift::objective(&mut reader, top),
            ignore: drift::ignore(&mut reader, section("drift")),
        };
        settings.check(&mut reader);
        reader.findings.sort_by_key(|finding| finding.line);
        if reader.findings.is_empty() { Ok(settings) } else { Err(reader.findings) }
    }

    /// Reports values that cannot be meant.
    fn check(&self, reader: &mut Reader<'_>) {
        if self.cloud != "public" {
            reader.say("/cloud", format!("the cloud `{}` is not supported yet; only `public` is", self.cloud));
        }
        let guards = self.guards;
        for (name, percent) in
            [("maxDeletesPercent", guards.max_deletes_percent), ("maxChangesPercent", guards.max_changes_percent)]
        {
            if percent > 100 {
                reader.say(&format!("/guards/{name}"), format!("`{name}` is 100 at most"));
            }
        }
        let Branches { snapshots, main } = &self.branches;
        if let Some(why) = collision(snapshots, main) {
            reader.say("/branches", format!("the two branches need two names: {why}"));
        }
        for (name, branch) in [("snapshots", &self.branches.snapshots), ("main", &self.branches.main)] {
            if let Some(why) = branch_fault(branch) {
                let message = format!("`{}` is no name for a branch: {why}", branch.escape_debug());
                reader.say(&format!("/branches/{name}"), message);
            }
        }
    }
}

/// Returns text in double quotes, whatever it contains: JSON's strings are valid in YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Reads a small YAML file, and collects findings with their lines.
pub(super) struct Reader<'a> {
    pub(super) path: &'a str,
    pub(super) document: &'a Document,
    /// Name of the check for its findings.
    pub(super) check: &'static str,
    pub(super) findings: Vec<Finding>,
}

impl Reader<'_> {
    pub(super) fn say(&mut self, pointer: &str, message: String) {
        if self.findings.len() >= MOST_PER_FILE {
            return;
        }
        let Position { line, column } = self.document.position_of(pointer);
        self.findings.push(Finding {
            path: self.path.to_owned(),
            line,
            column,
            severity: Severity::Error,
            check: self.check,
            message,
        });
    }

    /// Reads the tenant's id.
    fn tenant(&mut self, top: &Map<String, Value>) -> String {
        let tenant = self.text(top, "", "tenant", "");
        if tenant.is_empty() {
            self.say("/tenant", "the tenant's id is missing: `tenant: <id>`".to_owned());
        } else if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
            // The id becomes part of the address where people sign in.
            self.say("/tenant", format!("`{}` is no tenant id", tenant.escape_debug()));
        }
        tenant
    }

    /// Reads how much of the audit log is kept.
    fn actors(&mut self, top: &Map<String, Value>) -> Actors {
        match self.text(top, "", "actors", "names").as_str() {
            "names" => Actors::Names,
            "ids" => Actors::Ids,
            "off" => Actors::Off,
            other => {
                let message = format!("`{other}` is none of names, ids, off");
                self.say("/actors", message);
                Actors::Off
            }
        }
    }

    /// Reads whether `main` follows the snapshots.
    fn main_mode(&mut self, top: &Map<String, Value>) -> MainMode {
        match self.text(top, "", "main", "follow").as_str() {
            "follow" => MainMode::Follow,
            "hold" => MainMode::Hold,
            other => {
                let message = format!("`{}` is none of follow, hold", other.escape_debug());
                self.say("/main", message);
                MainMode::Hold
            }
        }
    }

    fn only(&mut self, map: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for name in map.keys().filter(|name| !known.contains(&name.as_str())).take(MOST_PER_FILE) {
            let far = |known: &&&str| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
            let near = match known.iter().map(|word| (far(&word), word)).min() {
                Some((distance, near)) if distance <= 1 + name.len() / 3 => format!("did you mean `{near}`?"),
                _ => format!("known are {}", known.join(", ")),
            };
            self.say(&format!("{pointer}/{name}"), format!("`{}` is no setting; {near}", name.escape_debug()));
        }
    }

    fn text(&mut self, map: &Map<String, Value>, pointer: &str, name: &str, default: &str) -> String {
        match map.get(name) {
            None | Some(Value::Null) => default.to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(_) => {
                self.say(&format!("{pointer}/{name}"), format!("`{name}` is a text; put it in quotes"));
                default.to_owned()
            }
        }
    }

    fn number(&mut self, map: &Map<String, Value>, pointer: &str, name: &str, default: usize) -> usize {
        match map.get(name) {
            None | Some(Value::Null) => default,
            Some(value) => value.as_u64().and_then(|value| usize::try_from(value).ok()).unwrap_or_else(|| {
                self.say(&format!("{pointer}/{name}"), format!("`{name}` is a whole number, 0 or more"));
                default
            }),
        }
    }

    pub(super) fn texts(&mut self, map: &Map<String, Value>, name: &str) -> Vec<String> {
        match map.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(elements)) if elements.iter().all(Value::is_string) => {
                elements.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                self.say(&format!("/{name}"), format!("`{name}` is a list of texts, as in [a, b]"));
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid() {
        let settings =
            Settings::parse("entragit.yaml", Settings::template("t", &["a@b".to_owned()], MainMode::Follow).as_bytes());
        let settings = settings.map(|settings| (settings.tenant, settings.break_glass));
        assert_eq!(settings, Ok(("t".to_owned(), vec!["a@b".to_owned()])));
    }

    #[test]
    fn a_newcomer_can_read_the_template() {
        insta::assert_snapshot!(Settings::template("7f9a1b2c-0000-4000-8000-000000000001", &[], MainMode::Follow), @r##"
        # Settings of this tenant repository. `entragit --help` says what the commands do.
        tenant: "7f9a1b2c-0000-4000-8000-000000000001"
        cloud: public

        # What is exported: config (no user objects), recovery (all that recovery needs), everything (what is only for
        # information, too). `entragit kinds` says which kinds each takes in.
        profile: recovery
        # Only these kinds, as in [group, conditionalAccessPolicy]; empty means all of the profile.
        kinds: []
        # Not these.
        exclude: []
        # Only those objects of a kind that an OData filter of Graph lets through. What it hides is never deleted or called drift.
        # filter:
        #   group: "securityEnabled eq true"

        # Emergency accounts, by user principal name or object id. No plan may take anything from them.
        breakGlass: []

        # How administrators appear in commits and notes: names, ids or off.
        actors: names

        branches:
          # What the tenant was; written by entragit alone.
          snapshots: snapshots
          # What the tenant should be; yours.
          main: main

        # Whether changes of the tenant flow into main by themselves (follow), or wait there until somebody accepts or rejects
        # them (hold).
        main: follow

        # These, and the emergency accounts, count as they are in origin/main, else in the last snapshot.
        guards:
          # A plan that deletes more than both of these, in all or of one kind, is refused.
          maxDeletes: 10
          maxDeletesPercent: 5
          # So is one that changes more objects of a kind than both of these, or takes away more links.
          maxChanges: 100
          maxChangesPercent: 20
          maxUnlinks: 100

        # How old the last snapshot may become before `entragit status` says so.
        objective: 24h

        # What is no drift, because someone else owns it or it never stands still. Of kind, name (a pattern), id and
        # property all that are given must agree.
        # drift:
        #   ignore:
        #     - kind: user
        #       property: jobTitle
        #       reason: "owned by HR"

        # Whose signatures a plan file needs before `entragit apply` carries it out, and for how many hours it holds.
        # approval:
        #   require: 2
        #   planHours: 24
        #   signers:
        #     - "ada@contoso.com ssh-ed25519 AAAA..."
        "##);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let text = "tenant: t\nprofil: config\nkinds: [groups, grop]\nguards:\n  maxDeletes: many\n";
        let said: Vec<String> = match Settings::parse("entragit.yaml", text.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(findings) => findings.iter().map(|finding| format!("{}: {}", finding.line, finding.message)).collect(),
        };
        insta::assert_snapshot!(said.join("\n"), @r"
        2: `profil` is no setting; did you mean `profile`?
        3: `grop` is no kind; did you mean `group`?
        5: `maxDeletes` is a whole number, 0 or more
        ");
    }

    #[test]
    fn nothing_is_passed_over() {
        let text = "tenant: \"../common\"\nbranches: main\nguards:\n  maxDeletesPercent: 500\n  prune: true\nMaxDeletes: 3\nkinds: group\n";
        let said: Vec<String> = match Settings::parse("entragit.yaml", text.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(findings) => findings.iter().map(|finding| format!("{}: {}", finding.line, finding.message)).collect(),
        };
        insta::assert_snapshot!(said.join("\n"), @r##"
        1: `../common` is no tenant id
        2: `branches` holds settings of its own, one a line and indented
        4: `maxDeletesPercent` is 100 at most
        5: `prune` is no setting; known are maxDeletes, maxDeletesPercent, maxChanges, maxChangesPercent, maxUnlinks
        6: `MaxDeletes` is no setting; known are tenant, cloud, breakGlass, actors, branches, main, guards, profile, kinds, exclude, filter, objective, drift, approval
        7: `kinds` is a list of texts, as in [a, b]
        "##);
        for name in ["main", "release/1.x", "a_b-c", "headless", "ahead", "deadbeef"] {
            assert_eq!(branch_fault(name), None, "{name}");
        }
        for name in ["", "a..b", "/a", "a/", "-a", "a.lock", ".a", "a b", "a~1", "refs/heads/../x", "a.", "a@{1}"] {
            assert!(branch_fault(name).is_some(), "{name}");
        }
    }

    #[test]
    fn names_that_git_or_a_disk_takes_for_others_are_refused() {
        let long = "a".repeat(201);
        let hex = "0123456789abcdefABCDEF0123456789abcdef01";
        for name in ["HEAD", "head", "FETCH_HEAD", "refs/heads/main", "Refs/x", "-x", "a/-x", "a.LOCK", hex, &long] {
            let text = format!("tenant: t\nbranches:\n  snapshots: {name}\n");
            let found = Settings::parse("entragit.yaml", text.as_bytes()).unwrap_err();
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert!(found[0].line == 3 && found[0].message.contains("is no name for a branch: "), "{found:?}");
        }
        for (snapshots, main) in [("MAIN", "main"), ("main", "main"), ("main/snapshots", "main"), ("x", "X/y")] {
            let text = format!("tenant: t\nbranches:\n  snapshots: {snapshots}\n  main: {main}\n");
            let found = Settings::parse("entragit.yaml", text.as_bytes()).unwrap_err();
            assert!(found[0].message.starts_with("the two branches need two names: "), "{found:?}");
        }
    }

    #[test]
    fn many_unknown_settings_are_listed_up_to_a_limit() {
        let lines: String = (0..10_000).map(|number| format!("k{number}: 1\n")).collect();
        let found = Settings::parse("entragit.yaml", lines.as_bytes()).unwrap_err();
        assert_eq!(found.len(), MOST_PER_FILE);
    }
}
