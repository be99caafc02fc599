//! Reads the settings of `approval`: which signatures a plan needs before it is carried out.

use serde_json::{Map, Value};

use super::Reader;

/// Names of these settings.
pub(super) const KNOWN: &[&str] = &["approval"];

/// The part of the template for these settings.
pub(super) const TEMPLATE: &str = "# Whose signatures a plan file needs before `entragit apply` carries it out, and for how many hours it holds.\n\
     # approval:\n\
     #   require: 2\n\
     #   planHours: 24\n\
     #   signers:\n\
     #     - \"ada@contoso.com ssh-ed25519 AAAA...\"\n";

/// Holds the settings of `approval`: which signatures a plan needs before it is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Number of people other than the plan's author who must have signed it; 0 if no signature is needed.
    pub require: usize,
    /// Lines of an allowed-signers file, as git uses it, one for each key: <https://man.openbsd.org/ssh-keygen.1#ALLOWED_SIGNERS>
    pub signers: Vec<String>,
    /// Number of hours for which a plan file is valid.
    pub plan_hours: usize,
}

/// Reads the settings of `approval`, and reports mistakes to `reader`.
pub(super) fn approval(reader: &mut Reader<'_>, section: &Map<String, Value>) -> Approval {
    reader.only(section, "/approval", &["require", "signers", "planHours"]);
    let signers = match section.get("signers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(lines)) if lines.iter().all(Value::is_string) => {
            lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => {
            let message =
                "`signers` is a list of lines as in an allowed-signers file: `- ada@contoso.com ssh-ed25519 AAAA…`";
            reader.say("/approval/signers", message.to_owned());
            Vec::new()
        }
    };
    for (index, line) in signers.iter().enumerate() {
        if line.contains(['\n', '\r', '\0']) || line.split_whitespace().count() < 3 {
            let message = "a signer is one line: who, sort of key, key";
            reader.say(&format!("/approval/signers/{index}"), message.to_owned());
        }
    }
    let approval = Approval {
        require: reader.number(section, "/approval", "require", 0),
        signers,
        plan_hours: reader.number(section, "/approval", "planHours", 24),
    };
    if approval.require > 0 && approval.signers.is_empty() {
        reader.say("/approval/require", "nobody can approve anything: `signers` is missing".to_owned());
    }
    if !(1..=8_760).contains(&approval.plan_hours) {
        reader.say("/approval/planHours", "a plan holds for 1 to 8760 hours".to_owned());
    }
    approval
}
