//! Renders what an apply did as the document that `schemas/output/apply.schema.json` describes.

use serde::Serialize;

use super::verified::{VerificationDocument, document};
use crate::engine::render;
use crate::model::{IdMap, Plan, StepId};
use crate::ops::apply::Applied;
use crate::repo::sshsig::Signer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApplyDocument<'a> {
    format_version: u32,
    verified: bool,
    verification: VerificationDocument<'a>,
    unmet: &'a [String],
    done: usize,
    corrected: usize,
    failed: Vec<FailureDocument<'a>>,
    uncertain: Vec<FailureDocument<'a>>,
    skipped: Vec<usize>,
    not_begun: usize,
    accepted: &'a [String],
    approvals: Vec<ApprovalDocument<'a>>,
    new_ids: &'a IdMap,
    receipt: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureDocument<'a> {
    step: usize,
    error: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApprovalDocument<'a> {
    principal: &'a str,
    key: &'a str,
}

/// Renders an apply that had nothing to do: no receipt, and nothing was read a second time.
pub fn nothing(plan: &Plan) -> String {
    json(&Applied { unmet: render::left::lines(plan), ..Applied::default() }, &[], &[])
}

/// Renders an apply, with what was accepted of the guards' refusals and who approved the plan.
pub fn json(applied: &Applied, accepted: &[String], approved: &[Signer]) -> String {
    let outcome = &applied.outcome;
    let receipt = applied.receipt.as_ref().and_then(|receipt| receipt.commit);
    render::json::sorted(&ApplyDocument {
        format_version: render::json::FORMAT_VERSION,
        verified: applied.verified,
        verification: document(&applied.verification),
        unmet: &applied.unmet,
        done: outcome.done,
        corrected: applied.corrected,
        failed: failures(&outcome.failed),
        uncertain: failures(&outcome.uncertain),
        skipped: outcome.skipped.iter().map(|step| step + 1).collect(),
        not_begun: outcome.not_begun,
        accepted,
        approvals: approved.iter().map(|by| ApprovalDocument { principal: &by.principal, key: &by.key }).collect(),
        new_ids: &outcome.learned,
        receipt: receipt.map(|commit| commit.to_string()),
    })
}

fn failures(steps: &[(StepId, String)]) -> Vec<FailureDocument<'_>> {
    steps.iter().map(|(step, error)| FailureDocument { step: step + 1, error }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::render::fits::assert_fits;
    use crate::model::{Left, Obstacle};
    use crate::ops::apply::execute::Outcome;
    use crate::ops::apply::{Unconverged, Verification};
    use crate::ops::snapshot::export::Exported;
    use crate::repo::ObjectId;

    const ID: &str = "6a46cf97-e63a-4216-8572-04331c277457";

    fn applied() -> Applied {
        let object = |property: &str| Unconverged {
            address: crate::kinds::address("group", ID).unwrap(),
            name: "Desk".to_owned(),
            property: property.to_owned(),
            reason: "still reads as before the write".to_owned(),
        };
        let mut learned = IdMap::default();
        learned.learn(ID, "0b1c2d3e-e63a-4216-8572-04331c277457");
        let id = ObjectId::from_bytes([1; 20]);
        let receipt = Exported {
            commit: Some(id),
            tip: id,
            counts: [("group", 1)].into(),
            objects: 1,
            complete: true,
            changed: (1, 0, 0),
            pending: Vec::new(),
            unwritable: Vec::new(),
            unknown: 0,
        };
        Applied {
            outcome: Outcome {
                done: 3,
                failed: vec![(0, "403: denied".to_owned())],
                uncertain: vec![(2, "no answer".to_owned())],
                skipped: vec![1],
                not_begun: 4,
                learned,
                ..Outcome::default()
            },
            unmet: vec!["group.members could not be read".to_owned()],
            corrected: 1,
            verification: Verification {
                converged: 1,
                pending: vec![object("members")],
                not_converged: vec![object("")],
            },
            receipt: Some(receipt),
            new_ids: 1,
            ..Applied::default()
        }
    }

    #[test]
    fn the_document_fits_its_schema() {
        let signer = Signer { principal: "ada@contoso.com".to_owned(), key: "SHA256:abc".to_owned() };
        let left = Left {
            address: crate::kinds::address("group", ID).unwrap(),
            called: "group",
            name: "Desk".to_owned(),
            what: crate::model::ChangeKind::Added,
            obstacle: Obstacle::Unmanaged,
            by: Vec::new(),
        };
        let nothing = nothing(&Plan { left: vec![left], ..Plan::default() });
        assert_fits!("apply", json(&applied(), &["weakens:group/x".to_owned()], &[signer]), nothing);
        insta::assert_snapshot!(nothing, @r#"
        {
          "accepted": [],
          "approvals": [],
          "corrected": 0,
          "done": 0,
          "failed": [],
          "formatVersion": 1,
          "newIds": {},
          "notBegun": 0,
          "receipt": null,
          "skipped": [],
          "uncertain": [],
          "unmet": [
            "group \"Desk\", only in the tenant: only the tenant has it and no snapshot ever had it; --prune deletes it"
          ],
          "verification": {
            "converged": 0,
            "notConverged": [],
            "pending": []
          },
          "verified": false
        }
        "#);
    }
}
