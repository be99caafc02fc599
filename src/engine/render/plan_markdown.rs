//! Renders a plan for a pull request: its steps, its losses and the verdicts of the guards.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::left;
use super::markdown::{LIMIT, MOST_FIELDS, cell, code, heading, shortened};
use super::plan::{counts, lost as losses_left, title, unmanaged};
use super::{field_line, risk_line};
use crate::engine::losses;
use crate::engine::refs::Names;
use crate::model::words::counted;
use crate::model::{Action, Address, Plan, Risk, Step, Verdict};

/// Maximum size of the table of steps in a comment, in bytes.
const TABLE: usize = LIMIT / 2;

/// Renders the plan as a comment. Parts that do not fit are counted instead: first the details of the last objects are left
/// out, then rows of the table.
pub fn plan(plan: &Plan, verdicts: &[Verdict], names: &Names) -> String {
    let mut out = match plan.steps.is_empty() {
        true if plan.left.is_empty() => {
            format!("### Entra plan: nothing to do\n\n{}\n", cell(&left::nothing_to_do(plan)))
        }
        true => format!("### Entra plan: nothing can be done\n\n{}\n", cell(&left::nothing_to_do(plan))),
        false => format!("### Entra plan: {}\n", counts(plan)),
    };
    for verdict in verdicts {
        let word = if verdict.refused { "Refused" } else { "Warning" };
        let _ = writeln!(out, "\n**{word} by {}**: {}", cell(verdict.guard), cell(&shortened(&verdict.message, 2_000)));
    }
    second_look(plan, &mut out);
    left::markdown(plan, names, &mut out);
    lost(plan, &mut out);
    let objects = by_object(plan);
    if !objects.is_empty() {
        out.push_str("\n| Object | What is done |\n|---|---|\n");
    }
    let mut left = 0;
    for (_, steps) in &objects {
        let row = row(steps);
        if left > 0 || out.len() + row.len() > TABLE {
            left += 1;
        } else {
            out.push_str(&row);
        }
    }
    if left > 0 {
        let _ = writeln!(out, "\n… and {left} more objects, which do not fit here; see the plan file.");
    }
    let mut folded = 0;
    for (_, steps) in &objects {
        let part = details(steps, names);
        if folded > 0 || out.len() + part.len() > LIMIT {
            folded += usize::from(!part.is_empty());
        } else {
            out.push_str(&part);
        }
    }
    if folded > 0 {
        let _ = writeln!(out, "\nThe properties of {} do not fit here; see the plan file.", counted(folded, "object"));
    }
    if !plan.unknown.is_empty() {
        out.push_str("\nLeft alone, because it is not completely known:\n\n");
        for (what, coverage) in &plan.unknown {
            let _ = writeln!(out, "- {}: {}", code(what), coverage.as_str());
        }
    }
    let unmanaged = unmanaged(plan).count();
    if unmanaged > 0 {
        let _ = writeln!(out, "\nOnly in the tenant, and left there: {}.", super::plan::objects(unmanaged));
    }
    out
}

/// Lists the worst risks, one line each.
fn second_look(plan: &Plan, out: &mut String) {
    const MOST: usize = 30;
    let mut lines: Vec<(&Risk, &Step)> =
        plan.steps.iter().flat_map(|step| step.risks.iter().map(move |risk| (risk, step))).collect();
    if lines.is_empty() {
        return;
    }
    lines.sort_by_key(|(risk, _)| risk.level);
    out.push_str("\n**Worth a second look**\n\n");
    for (risk, step) in lines.iter().take(MOST) {
        let line = risk_line(risk);
        let _ = writeln!(out, "- {} in {} {}", cell(&line), step.called, cell(&shortened(&step.name, 100)));
    }
    if lines.len() > MOST {
        let _ = writeln!(out, "- … and {} more", lines.len() - MOST);
    }
}

fn lost(plan: &Plan, out: &mut String) {
    if losses_left(plan).next().is_none() {
        return;
    }
    out.push_str("\n**What this cannot bring back**\n\n");
    let totals = losses::totals(&plan.losses);
    if !totals.is_empty() {
        let _ = writeln!(out, "In all: {}.\n", totals.join(", "));
    }
    let mut by_loss: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for loss in losses_left(plan) {
        by_loss.entry((loss.address.kind.name, loss.what())).or_default().push(&loss.name);
    }
    for ((kind, what), names) in by_loss.iter().take(50) {
        let shown: Vec<String> = names.iter().take(3).map(|name| format!("\"{}\"", shortened(name, 80))).collect();
        let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
        let _ = writeln!(out, "- {kind} {}{more}: {}", cell(&shown.join(", ")), cell(what));
    }
}

/// Returns the steps of each object, objects in the order of their first step.
fn by_object(plan: &Plan) -> Vec<(&Address, Vec<&Step>)> {
    let mut places: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut objects: Vec<(&Address, Vec<&Step>)> = Vec::new();
    for step in &plan.steps {
        let place = *places.entry(&step.address).or_insert_with(|| {
            objects.push((&step.address, Vec::new()));
            objects.len() - 1
        });
        if let Some((_, steps)) = objects.get_mut(place) {
            steps.push(step);
        }
    }
    objects
}

fn row(steps: &[&Step]) -> String {
    let Some(first) = steps.first() else { return String::new() };
    let mut words: Vec<(&str, usize)> = Vec::new();
    for step in steps {
        match words.iter_mut().find(|(word, _)| *word == step.action.as_str()) {
            Some((_, count)) => *count += 1,
            None => words.push((step.action.as_str(), 1)),
        }
    }
    let words: Vec<String> = words
        .iter()
        .map(|(word, count)| if *count == 1 { (*word).to_owned() } else { format!("{count} {word}") })
        .collect();
    format!("| {} {} | {} |\n", first.called, cell(&shortened(&first.name, 200)), words.join(", "))
}

fn details(steps: &[&Step], names: &Names) -> String {
    let mut lines: Vec<String> = Vec::new();
    for step in steps {
        match &step.action {
            Action::Update { changes, .. } => lines.extend(changes.iter().map(|change| {
                let (sign, text) = field_line(change, names);
                format!("{} {text}", if sign == "~" { "!" } else { sign })
            })),
            Action::Create { body } => {
                lines.extend(body.iter().map(|(name, value)| format!("+ {name}: {}", super::value_text(value, names))))
            }
            Action::Link { .. } => lines.push(format!("+ {}", title(step, names))),
            Action::Unlink { .. } => lines.push(format!("- {}", title(step, names))),
            Action::Call { .. } | Action::Relink { .. } => lines.push(format!("! {}", title(step, names))),
            Action::Restore | Action::Delete => {}
        }
    }
    let Some(first) = steps.first().filter(|_| !lines.is_empty()) else { return String::new() };
    let name = heading(&shortened(&first.name, 200));
    let mut part = format!("\n<details><summary>{} <b>{name}</b></summary>\n\n```diff\n", first.called);
    for line in lines.iter().take(MOST_FIELDS) {
        let _ = writeln!(part, "{}", super::safe(&shortened(line, 2_000)).replace("```", "'''"));
    }
    if lines.len() > MOST_FIELDS {
        let _ = writeln!(part, "  … and {} more", lines.len() - MOST_FIELDS);
    }
    part.push_str("```\n\n</details>\n");
    part
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldChange;
    use crate::model::plan::{Loss, LossKind};

    fn step(id: &str, name: &str, action: Action) -> Step {
        Step {
            address: crate::kinds::address("group", id).unwrap(),
            called: "group",
            name: name.to_owned(),
            about: Vec::new(),
            identities: BTreeMap::new(),
            action,
            needs: Vec::new(),
            by: Vec::new(),
            risks: Vec::new(),
        }
    }

    fn renamed(id: &str, name: &str) -> Step {
        let changes = vec![FieldChange::Value {
            path: "displayName".to_owned(),
            before: Some(json!("```\n</details> @all | [x](http://a)")),
            after: Some(json!(name)),
        }];
        step(id, name, Action::Update { body: Default::default(), changes })
    }

    #[test]
    fn a_plan_reads_well_and_a_hostile_name_is_only_text() {
        let mut all = Plan { steps: vec![renamed("a", "Sales | <b>@all")], ..Plan::default() };
        all.steps.push(step("a", "Sales", Action::Link { link: "members", value: json!("b") }));
        all.steps.push(step("b", "Gone", Action::Delete));
        let parts = vec![LossKind::NewId, LossKind::ClientSecrets(1)];
        all.losses.push(Loss {
            address: crate::kinds::address("application", "c").unwrap(),
            name: "Shop".to_owned(),
            parts,
        });
        let verdict = Verdict {
            guard: "mass-delete",
            refused: true,
            message: "the plan deletes 1 of 1".to_owned(),
            objects: Vec::new(),
        };
        let text = plan(&all, &[verdict], &Names::default());
        assert!(text.contains("@\u{2060}all"), "nobody is notified");
        insta::assert_snapshot!(text.replace('\u{2060}', ""), @r#"
        ### Entra plan: 3 steps: 1 update, 1 link, 1 delete

        **Refused by mass-delete**: the plan deletes 1 of 1

        **What this cannot bring back**

        In all: 1 new id, 1 client secret.

        - application "Shop": gets a new id, loses 1 client secret

        | Object | What is done |
        |---|---|
        | group Sales \| \<b\>@all | update, link |
        | group Gone | delete |

        <details><summary>group <b>Sales | &lt;b&gt;@all</b></summary>

        ```diff
        ! displayName: '''\u{a}</details> @all | [x](http://a) → Sales | <b>@all
        + add to members of group "Sales": b
        ```

        </details>
        "#);
        assert!(plan(&Plan::default(), &[], &Names::default()).contains("nothing to do"));
    }

    #[test]
    fn a_long_plan_fits_a_comment() {
        let steps = (0..5_000).map(|number| renamed(&number.to_string(), &"long ".repeat(20))).collect();
        let text = plan(&Plan { steps, ..Plan::default() }, &[], &Names::default());
        assert!(text.len() < 65_536, "{}", text.len());
        assert!(text.contains("more objects, which do not fit here") && text.contains("5000 update"), "counts stay");
    }
}
