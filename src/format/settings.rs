//! `entragit.yaml`: the settings of a tenant repository.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::yaml::{self, Document};
use crate::model::Finding;
use crate::model::finding::Severity;

mod approval;
mod drift;
mod scope;
mod weaker;

pub use approval::Approval;
pub use drift::Ignore;
pub use scope::Scope;

pub use crate::model::kind::Profile;

/// The settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The tenant's id.
    pub tenant: String,
    /// The cloud: `public`.
    pub cloud: String,
    /// What is exported.
    pub scope: Scope,
    /// Ids or user principal names of the accounts that must always get in.
    pub break_glass: Vec<String>,
    /// How administrators appear in trailers and notes.
    pub actors: Actors,
    /// Names of the two branches.
    pub branches: Branches,
    /// What passes without a question.
    pub guards: Guards,
    /// Whose signatures a plan needs before it is carried out.
    pub approval: Approval,
    /// How old the last snapshot may become before `status` says so.
    pub objective: SignedDuration,
    /// What is no drift.
    pub ignore: Vec<Ignore>,
}

/// How administrators appear in trailers and notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Actors {
    /// By name.
    #[default]
    Names,
    /// By object id.
    Ids,
    /// Not at all.
    Off,
}

/// Names of the two branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branches {
    /// What the tenant was: written by the tool alone.
    pub snapshots: String,
    /// What the tenant should be: the branch that people work on.
    pub main: String,
}

impl Default for Branches {
    fn default() -> Branches {
        Branches { snapshots: "snapshots".to_owned(), main: "main".to_owned() }
    }
}

/// What passes without a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// Deletions.
    pub max_deletes: usize,
    /// Deletions in per cent of the objects known; the larger limit counts.
    pub max_deletes_percent: usize,
    /// Objects of one kind that are changed in place.
    pub max_changes: usize,
    /// Changes in per cent of the objects known of the kind; the larger limit counts.
    pub max_changes_percent: usize,
    /// Links of one sort that are taken away.
    pub max_unlinks: usize,
}

impl Settings {
    /// The file that `init` writes.
    pub fn template(tenant: &str, break_glass: &[String]) -> String {
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
            drift::TEMPLATE,
            approval::TEMPLATE
        )
    }

    /// Reads settings.
    ///
    /// # Errors
    /// Everything that is wrong with them, with lines.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Settings, Vec<Finding>> {
        let document = yaml::read(path, bytes)?;
        let mut reader = Reader { path, document: &document, check: "settings", findings: Vec::new() };
        let top = &document.value;
        let known = ["tenant", "cloud", "breakGlass", "actors", "branches", "guards"];
        reader.only(top, "", &[&known[..], scope::KNOWN, drift::KNOWN, approval::KNOWN].concat());
        let tenant = reader.text(top, "", "tenant", "");
        if tenant.is_empty() {
            reader.say("/tenant", "the tenant's id is missing: `tenant: <id>`".to_owned());
        } else if !tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
            // It becomes part of the address where people sign in.
            reader.say("/tenant", format!("`{}` is no tenant id", tenant.escape_debug()));
        }
        let scope = scope::scope(&mut reader, top);
        let actors = match reader.text(top, "", "actors", "names").as_str() {
            "names" => Actors::Names,
            "ids" => Actors::Ids,
            "off" => Actors::Off,
            other => {
                let message = format!("`{other}` is none of names, ids, off");
                reader.say("/actors", message);
                Actors::Off
            }
        };
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
        if settings.cloud != "public" {
            reader.say("/cloud", format!("the cloud `{}` is not supported yet; only `public` is", settings.cloud));
        }
        let guards = settings.guards;
        for (name, percent) in
            [("maxDeletesPercent", guards.max_deletes_percent), ("maxChangesPercent", guards.max_changes_percent)]
        {
            if percent > 100 {
                reader.say(&format!("/guards/{name}"), format!("`{name}` is 100 at most"));
            }
        }
        if settings.branches.snapshots == settings.branches.main {
            reader.say("/branches", "the two branches need two names".to_owned());
        }
        for (name, branch) in [("snapshots", &settings.branches.snapshots), ("main", &settings.branches.main)] {
            if !is_branch(branch) {
                let message = format!("`{}` is no name for a branch", branch.escape_debug());
                reader.say(&format!("/branches/{name}"), message);
            }
        }
        reader.findings.sort_by_key(|finding| finding.line);
        if reader.findings.is_empty() { Ok(settings) } else { Err(reader.findings) }
    }
}

/// In double quotes, whatever it holds: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Returns true for a name that git takes for a branch, by rules a little stricter than its own: <https://git-scm.com/docs/git-check-ref-format>
pub fn is_branch(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
        && !name.contains("..")
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with(".lock"))
        && !name.ends_with('.')
}

/// Reads a small YAML file, noting what is wrong with it and where.
pub(super) struct Reader<'a> {
    pub(super) path: &'a str,
    pub(super) document: &'a Document,
    /// The name of the check that its findings belong to.
    pub(super) check: &'static str,
    pub(super) findings: Vec<Finding>,
}

impl Reader<'_> {
    pub(super) fn say(&mut self, pointer: &str, message: String) {
        self.findings.push(Finding {
            path: self.path.to_owned(),
            line: self.document.line_of(pointer),
            severity: Severity::Error,
            check: self.check,
            message,
        });
    }

    fn only(&mut self, map: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
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
        let settings = Settings::parse("entragit.yaml", Settings::template("t", &["a@b".to_owned()]).as_bytes());
        let settings = settings.map(|settings| (settings.tenant, settings.break_glass));
        assert_eq!(settings, Ok(("t".to_owned(), vec!["a@b".to_owned()])));
    }

    #[test]
    fn a_newcomer_can_read_the_template() {
        insta::assert_snapshot!(Settings::template("7f9a1b2c-0000-4000-8000-000000000001", &[]), @r##"
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
        6: `MaxDeletes` is no setting; known are tenant, cloud, breakGlass, actors, branches, guards, profile, kinds, exclude, filter, objective, drift, approval
        7: `kinds` is a list of texts, as in [a, b]
        "##);
        for name in ["main", "release/1.x", "a_b-c"] {
            assert!(is_branch(name), "{name}");
        }
        for name in ["", "a..b", "/a", "a/", "-a", "a.lock", ".a", "a b", "a~1", "refs/heads/../x", "a.", "a@{1}"] {
            assert!(!is_branch(name), "{name}");
        }
    }
}
