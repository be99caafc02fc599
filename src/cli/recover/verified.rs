//! Reports whether objects that were written to read as they should.

use serde::Serialize;

use crate::engine::render::safe;
use crate::ops::apply::{Unconverged, Verification};

/// Objects told one by one; more are only counted.
const MOST: usize = 20;

/// For people: counted, and what is not as written one by one.
pub fn lines(verification: &Verification) -> Vec<String> {
    let Verification { converged, pending, not_converged } = verification;
    let mut lines = vec![format!(
        "objects read again: {converged} converged, {} pending replication, {} not converged",
        pending.len(),
        not_converged.len()
    )];
    for (word, objects) in [("not converged", not_converged), ("pending replication", pending)] {
        lines.extend(objects.iter().take(MOST).map(|object| format!("  {word}: {}", line(object))));
        if objects.len() > MOST {
            lines.push(format!("  and {} more", objects.len() - MOST));
        }
    }
    if !pending.is_empty() {
        lines.push("what is pending shows by itself; `entragit plan` tells when it has".to_owned());
    }
    lines
}

fn line(object: &Unconverged) -> String {
    let Unconverged { address, name, property, reason } = object;
    safe(&if property.is_empty() {
        format!("{} \"{name}\" {reason}", address.kind.name)
    } else {
        format!("{} \"{name}\": {property} {reason}", address.kind.name)
    })
}

/// Represents the result of reading again what was written, for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationDocument<'a> {
    converged: usize,
    pending: Vec<UnconvergedDocument<'a>>,
    not_converged: Vec<UnconvergedDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnconvergedDocument<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    property: &'a str,
    reason: &'a str,
}

/// Converts the result for scripts.
pub fn document(verification: &Verification) -> VerificationDocument<'_> {
    VerificationDocument {
        converged: verification.converged,
        pending: verification.pending.iter().map(unconverged).collect(),
        not_converged: verification.not_converged.iter().map(unconverged).collect(),
    }
}

fn unconverged(object: &Unconverged) -> UnconvergedDocument<'_> {
    let Unconverged { address, name, property, reason } = object;
    UnconvergedDocument { kind: address.kind.name, id: &address.id, name, property, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_and_told() {
        let object = |name: &str, property: &str, reason: &str| Unconverged {
            address: crate::kinds::address("group", "6a46cf97-e63a-4216-8572-04331c277457").unwrap(),
            name: name.to_owned(),
            property: property.to_owned(),
            reason: reason.to_owned(),
        };
        let verification = Verification {
            converged: 7,
            pending: vec![object("Pilots", "members", "still reads as before the write")],
            not_converged: vec![object("Desk", "", "is not there")],
        };
        insta::assert_snapshot!(lines(&verification).join("\n"), @r#"
        objects read again: 7 converged, 1 pending replication, 1 not converged
          not converged: group "Desk" is not there
          pending replication: group "Pilots": members still reads as before the write
        what is pending shows by itself; `entragit plan` tells when it has
        "#);
        insta::assert_snapshot!(serde_json::to_value(document(&verification)).unwrap(), @r#"{"converged":7,"notConverged":[{"id":"6a46cf97-e63a-4216-8572-04331c277457","kind":"group","name":"Desk","property":"","reason":"is not there"}],"pending":[{"id":"6a46cf97-e63a-4216-8572-04331c277457","kind":"group","name":"Pilots","property":"members","reason":"still reads as before the write"}]}"#);
    }
}
