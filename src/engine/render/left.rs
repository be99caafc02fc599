//! Renders the differences that a plan leaves, and the first line that mentions them: for terminals and for pull requests.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markdown::{cell, shortened};
use super::{Style, field_line, safe};
use crate::engine::refs::Names;
use crate::model::words::counted;
use crate::model::{ChangeKind, Left, Obstacle, Plan};

/// Maximum number of objects that are shown one by one.
const MOST_OBJECTS: usize = 20;
/// Maximum number of properties that are shown of one of them.
const MOST_FIELDS: usize = 10;

/// Returns the message of an empty plan. It says "as it should be" only if nothing at all differs.
pub fn nothing_to_do(plan: &Plan) -> String {
    let distance = plan.distance.as_ref();
    match (plan.left.len(), distance) {
        (0, Some(distance)) if distance.objects > 0 => format!(
            "Nothing to do: {} changes nothing since the last snapshot that the tenant does not have. The tenant differs \
             from it in {} otherwise, which stay as they are: `entragit diff {} live` lists them, `entragit plan` without \
             --changes and with a snapshot's id as --to plans them.",
            safe(&distance.commit),
            objects(distance.objects),
            safe(&distance.commit)
        ),
        (0, _) if plan.unknown.is_empty() => "Nothing to do: the tenant is as it should be.".to_owned(),
        (0, _) => "Nothing to do: what could be read is as it should be.".to_owned(),
        (_, _) => format!("Nothing can be done: {} that no step covers.", differ(plan)),
    }
}

/// Returns `2 objects differ from the commit in a way`, for sentences.
pub fn differ(plan: &Plan) -> String {
    let mut addresses: Vec<_> = plan.left.iter().map(|left| &left.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    match addresses.len() {
        1 => "1 object differs from the commit in a way".to_owned(),
        many => format!("{many} objects differ from the commit in a way"),
    }
}

fn objects(count: usize) -> String {
    counted(count, "object")
}

/// Appends the remaining differences to a plan for a terminal.
pub(super) fn text(plan: &Plan, names: &Names, style: Style, out: &mut String) {
    if let Some(distance) = plan.distance.as_ref().filter(|distance| distance.objects > 0 && !plan.steps.is_empty()) {
        let _ = writeln!(
            out,
            "\nOnly the changes of {} are planned. The tenant differs from it in {} otherwise, which stay as they are.",
            safe(&distance.commit),
            objects(distance.objects)
        );
    }
    if plan.left.is_empty() {
        return;
    }
    let heading = "Still different when this is done (commit → tenant); no step covers it";
    let _ = writeln!(out, "\n{}", style.bold(heading));
    for left in plan.left.iter().take(MOST_OBJECTS) {
        let _ = writeln!(out, "  ≠ {}  {}", title(left), style.faint(&safe(&left.address.id)));
        for line in fields(left, names) {
            let _ = writeln!(out, "      {line}");
        }
        let _ = writeln!(out, "      {}", left.obstacle);
        for line in &left.by {
            let _ = writeln!(out, "      by {}", safe(line));
        }
    }
    for line in rest(plan) {
        let _ = writeln!(out, "  ≠ {line}");
    }
}

/// Appends the remaining differences to a plan for a pull request.
pub(super) fn markdown(plan: &Plan, names: &Names, out: &mut String) {
    if let Some(distance) = plan.distance.as_ref().filter(|distance| distance.objects > 0 && !plan.steps.is_empty()) {
        let _ = writeln!(
            out,
            "\nOnly the changes of `{}` are planned. The tenant differs from it in {} otherwise, which stay as they are.",
            cell(&distance.commit),
            objects(distance.objects)
        );
    }
    if plan.left.is_empty() {
        return;
    }
    out.push_str("\n**Still different when this is done** (commit → tenant); no step covers it\n\n");
    for left in plan.left.iter().take(MOST_OBJECTS) {
        let why = left.obstacle.to_string();
        let _ = writeln!(out, "- {}: {}", cell(&shortened(&title(left), 200)), cell(&why));
        for line in fields(left, names) {
            let _ = writeln!(out, "  - {}", cell(&shortened(&line, 500)));
        }
        for line in &left.by {
            let _ = writeln!(out, "  - by {}", cell(&shortened(line, 500)));
        }
    }
    for line in rest(plan) {
        let _ = writeln!(out, "- {}", cell(&line));
    }
}

/// Returns one line for each remaining difference, for the end of an apply.
pub fn lines(plan: &Plan) -> Vec<String> {
    plan.left.iter().map(|left| format!("{}{}: {}", title(left), paths(left), left.obstacle)).collect()
}

fn title(left: &Left) -> String {
    let state = match &left.what {
        ChangeKind::Added => ", only in the tenant",
        ChangeKind::Removed => ", not in the tenant",
        ChangeKind::Modified(_) => "",
    };
    format!("{} \"{}\"{state}", left.called, safe(&left.name))
}

fn paths(left: &Left) -> String {
    let ChangeKind::Modified(fields) = &left.what else { return String::new() };
    let mut paths: Vec<&str> = fields.iter().map(crate::model::FieldChange::path).collect();
    paths.dedup();
    format!(", {}", safe(&paths.join(", ")))
}

fn fields(left: &Left, names: &Names) -> Vec<String> {
    let ChangeKind::Modified(fields) = &left.what else { return Vec::new() };
    let mut lines: Vec<String> = fields
        .iter()
        .take(MOST_FIELDS)
        .map(|field| {
            let (sign, text) = field_line(field, names);
            format!("{sign} {text}")
        })
        .collect();
    if fields.len() > MOST_FIELDS {
        lines.push(format!("… and {} more", fields.len() - MOST_FIELDS));
    }
    lines
}

/// Returns the differences beyond those that are shown one by one, counted by obstacle.
fn rest(plan: &Plan) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &Obstacle), usize> = BTreeMap::new();
    for left in plan.left.iter().skip(MOST_OBJECTS) {
        *counts.entry((left.called, &left.obstacle)).or_default() += 1;
    }
    counts.into_iter().map(|((called, obstacle), count)| format!("{count} more of kind {called}: {obstacle}")).collect()
}
