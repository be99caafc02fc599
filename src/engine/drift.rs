//! Decides which differences between an approved baseline and the live tenant are drift: those that are neither pending
//! edits nor excluded by a rule of the settings.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::top;
use super::scope::matches;
use crate::model::{Address, Change, ChangeKind, FieldChange, Ignored, LeftOut, Lifecycle, Report};

/// Selects differences that are no drift. All given conditions must hold; a rule without conditions hides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Kind of the objects.
    pub kind: Option<&'static str>,
    /// Pattern that the object's name must fit.
    pub name: Option<String>,
    /// Id of the object.
    pub id: Option<String>,
    /// Property that differs, or that contains the difference.
    pub property: Option<String>,
    /// Reason for the rule.
    pub reason: String,
}

impl Rule {
    /// Returns the conditions as text: `user "tmp-*" jobTitle`.
    fn label(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("\"{name}\""));
        let parts = [self.kind.map(str::to_owned), name, self.id.clone(), self.property.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn takes(&self, change: &Change) -> bool {
        // A rename must not bring an object under a rule, nor out of it, unnoticed: both names must fit.
        let names = match &change.manner {
            Some(Lifecycle::Renamed { from }) => vec![change.name.as_str(), from.as_str()],
            _ => vec![change.name.as_str()],
        };
        let given = self.kind.is_some() || self.name.is_some() || self.id.is_some() || self.property.is_some();
        given
            && self.kind.is_none_or(|kind| kind == change.address.kind.name)
            && self.id.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(&change.address.id))
            && self.name.as_ref().is_none_or(|pattern| names.iter().all(|name| matches(pattern, name)))
    }

    fn takes_field(&self, field: &FieldChange) -> bool {
        self.property.as_ref().is_none_or(|wanted| {
            let rest = field.path().strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// Removes pending differences from a report (baseline → live): those that the baseline's own edits account for, made since
/// the baseline last agreed with the tenant. `edits` is the report from the baseline back to that moment: where the tenant
/// is still as it was then, `edits` holds the same change.
pub fn leave_out_pending(report: &mut Report, edits: &Report) {
    let edited: BTreeMap<&Address, &Change> = edits.changes.iter().map(|change| (&change.address, change)).collect();
    let mut pending = 0;
    report.changes.retain_mut(|change| {
        let Some(edit) = edited.get(&change.address) else { return true };
        match (&mut change.what, &edit.what) {
            (ChangeKind::Removed, ChangeKind::Removed) => {
                pending += 1;
                false
            }
            (ChangeKind::Modified(fields), ChangeKind::Modified(undone)) => {
                let before = fields.len();
                fields.retain(|field| !undone.contains(field));
                pending += before - fields.len();
                adjust_to_remaining_fields(change, before)
            }
            _ => true,
        }
    });
    report.drift.get_or_insert_with(LeftOut::default).pending += pending;
}

/// Removes the differences from a report that the rules declare to be no drift, and counts them by rule.
pub fn ignore(report: &mut Report, rules: &[Rule]) {
    let mut counts = vec![(0, BTreeSet::new()); rules.len()];
    report.changes.retain_mut(|change| {
        let applying: Vec<usize> = (0..rules.len()).filter(|at| rules[*at].takes(change)).collect();
        if applying.is_empty() {
            return true;
        }
        let address = change.address.clone();
        let mut count = |at: usize| {
            counts[at].0 += 1;
            counts[at].1.insert(address.clone());
        };
        let whole = applying.iter().copied().find(|at| rules[*at].property.is_none());
        match &mut change.what {
            ChangeKind::Added | ChangeKind::Removed => {
                // A rule for a property does not apply to objects that are added or removed.
                whole.into_iter().for_each(&mut count);
                whole.is_none()
            }
            ChangeKind::Modified(fields) if fields.is_empty() => {
                whole.into_iter().for_each(&mut count);
                whole.is_none()
            }
            ChangeKind::Modified(fields) => {
                let before = fields.len();
                fields.retain(|field| {
                    let rule = applying.iter().copied().find(|at| rules[*at].takes_field(field));
                    rule.into_iter().for_each(&mut count);
                    rule.is_none()
                });
                if whole.is_some() {
                    return false;
                }
                adjust_to_remaining_fields(change, before)
            }
        }
    });
    let left_out = report.drift.get_or_insert_with(LeftOut::default);
    for (rule, (differences, objects)) in rules.iter().zip(counts).filter(|(_, (differences, _))| *differences > 0) {
        let (rule, reason) = (rule.label(), rule.reason.clone());
        left_out.ignored.push(Ignored { rule, reason, differences, objects: objects.len() });
    }
}

/// Adjusts a change to its remaining fields, of which there were `before`. Returns false if nothing of the change is left.
fn adjust_to_remaining_fields(change: &mut Change, before: usize) -> bool {
    let fields = change.fields();
    if fields.len() == before {
        return true;
    }
    let renamed = fields.iter().any(|field| top(field.path()) == "displayName");
    let paths: BTreeSet<String> = fields.iter().map(|field| field.path().to_owned()).collect();
    change.risks.retain(|risk| risk.path.is_empty() || paths.contains(&risk.path));
    if matches!(change.manner, Some(Lifecycle::Renamed { .. })) && !renamed {
        change.manner = None;
    }
    !paths.is_empty() || matches!(change.manner, Some(Lifecycle::Recreated { .. }))
}

/// Returns true if everything that was asked for is known on both sides.
pub fn is_complete(report: &Report) -> bool {
    use crate::model::Coverage::{Complete, Skipped};
    report
        .unknown
        .iter()
        .all(|(_, before, after)| [before, after].into_iter().all(|coverage| matches!(coverage, Complete | Skipped)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Level, Risk};

    fn value(path: &str, before: &str, after: &str) -> FieldChange {
        FieldChange::Value { path: path.to_owned(), before: Some(json!(before)), after: Some(json!(after)) }
    }

    fn change(kind: &'static str, id: &str, name: &str, what: ChangeKind) -> Change {
        let risks = match &what {
            ChangeKind::Modified(fields) => fields.iter().map(|field| risk(field.path())).collect(),
            ChangeKind::Added | ChangeKind::Removed => vec![risk("")],
        };
        let address = crate::kinds::address(kind, id).unwrap();
        Change {
            address,
            called: kind,
            name: name.to_owned(),
            about: vec![],
            what,
            whole: Vec::new(),
            manner: None,
            risks,
            path: String::new(),
            events: vec![],
        }
    }

    fn risk(path: &str) -> Risk {
        Risk {
            level: Level::Low,
            rule: "r".to_owned(),
            says: "s".to_owned(),
            path: path.to_owned(),
            line: 0,
            weakens: false,
        }
    }

    fn shown(report: &Report) -> String {
        let changes = report.changes.iter().map(|change| {
            let paths: Vec<&str> = change.fields().iter().map(FieldChange::path).collect();
            let risks: Vec<&str> = change.risks.iter().map(|risk| risk.path.as_str()).collect();
            format!("{} {} [{}] risks [{}]", change.as_str(), change.name, paths.join(", "), risks.join(", "))
        });
        let rest = report.drift.iter().flat_map(|drift| {
            let ignored = drift.ignored.iter().map(|it| format!("{it:?}"));
            std::iter::once(format!("pending {}", drift.pending)).chain(ignored)
        });
        changes.chain(rest).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_pending_is_no_drift_and_what_moved_meanwhile_is() {
        let group = |what| change("group", "1", "Approvers", what);
        // `main` has B and X; the tenant had A and X when both agreed.
        let edits = Report {
            changes: vec![
                group(ChangeKind::Modified(vec![value("description", "B", "A"), value("mail", "new", "old")])),
                change("group", "2", "Wanted", ChangeKind::Removed),
                change("user", "3", "Unwanted", ChangeKind::Removed),
            ],
            ..Report::default()
        };
        let mut report = Report {
            changes: vec![
                group(ChangeKind::Modified(vec![
                    value("description", "B", "A"),
                    value("mail", "new", "other"),
                    value("visibility", "Private", "Public"),
                ])),
                change("group", "2", "Wanted", ChangeKind::Removed),
                change("group", "4", "Gone", ChangeKind::Removed),
            ],
            ..Report::default()
        };
        leave_out_pending(&mut report, &edits);
        insta::assert_snapshot!(shown(&report), @r"
        modified Approvers [mail, visibility] risks [mail, visibility]
        removed Gone [] risks []
        pending 2
        ");
    }

    #[test]
    fn rules_hide_what_they_name_and_nothing_else() {
        let modified = |fields| ChangeKind::Modified(fields);
        let mut renamed = change("group", "5", "tmp-x", modified(vec![value("displayName", "Admins", "tmp-x")]));
        renamed.manner = Some(Lifecycle::Renamed { from: "Admins".to_owned() });
        let mut report = Report {
            changes: vec![
                change("user", "1", "Ada", modified(vec![value("jobTitle", "a", "b"), value("mail", "a", "b")])),
                change("user", "2", "Bob", modified(vec![value("jobTitle", "a", "b")])),
                change("user", "3", "Eve", ChangeKind::Added),
                change("group", "4", "tmp-1", ChangeKind::Removed),
                renamed,
                change("group", "6", "Six", modified(vec![value("jobTitles", "a", "b"), value("owner.id", "a", "b")])),
            ],
            ..Report::default()
        };
        let rules = [
            Rule {
                kind: Some("user"),
                property: Some("jobTitle".to_owned()),
                reason: "owned by HR".to_owned(),
                ..Rule::default()
            },
            Rule { name: Some("tmp-*".to_owned()), ..Rule::default() },
            Rule { property: Some("owner".to_owned()), id: Some("6".to_owned()), ..Rule::default() },
            Rule { property: Some("jobTitle".to_owned()), ..Rule::default() },
            Rule::default(),
        ];
        ignore(&mut report, &rules);
        insta::assert_snapshot!(shown(&report), @r#"
        modified Ada [mail] risks [mail]
        added Eve [] risks []
        renamed tmp-x [displayName] risks [displayName]
        modified Six [jobTitles] risks [jobTitles]
        pending 0
        Ignored { rule: "user jobTitle", reason: "owned by HR", differences: 2, objects: 2 }
        Ignored { rule: "\"tmp-*\"", reason: "", differences: 1, objects: 1 }
        Ignored { rule: "6 owner", reason: "", differences: 1, objects: 1 }
        "#);
    }
}
