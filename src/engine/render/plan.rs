//! Renders a plan for the terminal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Style, field_line, left, risk_line, safe, value_text};
use crate::engine::diff::top;
use crate::engine::losses;
use crate::engine::refs::Names;
use crate::kinds;
use crate::model::plan::Loss;
use crate::model::words::counted;
use crate::model::{Action, Address, FieldChange, Level, Plan, Step, Verdict};

/// Returns the title of a step: `update conditionalAccessPolicy "Block legacy authentication"`.
pub fn title(step: &Step, names: &Names) -> String {
    let name = safe(&step.name);
    match &step.action {
        Action::Create { .. } | Action::Restore | Action::Update { .. } | Action::Delete => {
            format!("{} {} \"{name}\"", step.action.as_str(), step.called)
        }
        Action::Call { property, .. } => format!("set {property} of {} \"{name}\"", step.called),
        Action::Link { link, value } => {
            format!("add to {link} of {} \"{name}\": {}", step.called, value_text(value, names))
        }
        Action::Relink { link, value } => {
            format!("change in {link} of {} \"{name}\": {}", step.called, value_text(value, names))
        }
        Action::Unlink { link, value } => {
            if let Some(credential) = step.address.kind.credential(link) {
                return format!("remove {} from {} \"{name}\"", credential_text(credential.one, value), step.called);
            }
            format!("take from {link} of {} \"{name}\": {}", step.called, value_text(value, names))
        }
    }
}

/// Describes a credential: `client secret "ci" (ends 2027-01-01T00:00:00Z)`.
fn credential_text(one: &str, value: &Value) -> String {
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty()).map(safe);
    let name = text("displayName").or_else(|| text("hint")).or_else(|| text("keyId")).unwrap_or_default();
    let ends = text("endDateTime").map(|end| format!(" (ends {end})")).unwrap_or_default();
    format!("{one} \"{name}\"{ends}")
}

/// Maximum number of created objects that are shown property by property.
const MOST_SHOWN: usize = 10;

/// Renders the whole plan: steps wave by wave, losses, everything that is left alone, and the guards' verdicts.
pub fn text(plan: &Plan, verdicts: &[Verdict], names: &Names, style: Style) -> String {
    let mut report = Report { plan, names, style, out: String::new() };
    report.title();
    report.waves();
    left::text(plan, names, style, &mut report.out);
    report.losses();
    report.unknown();
    report.unmanaged();
    for verdict in verdicts {
        report.verdict(verdict);
    }
    report.out
}

/// Holds a plan and the text that shows it, to which each method adds a part.
struct Report<'a> {
    plan: &'a Plan,
    names: &'a Names,
    style: Style,
    out: String,
}

impl Report<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(line.as_ref());
        self.out.push('\n');
    }

    fn title(&mut self) {
        let title = match self.plan.steps.is_empty() {
            true => self.style.bold(&left::nothing_to_do(self.plan)),
            false => format!("{}  {}", self.style.bold("Plan"), counts(self.plan)),
        };
        self.line(title);
    }

    fn waves(&mut self) {
        let plan = self.plan;
        // Objects that somebody wrote by hand are always shown; many objects that are restored unchanged are not, since the
        // commit holds them.
        let few = plan.steps.iter().filter(|step| matches!(step.action, Action::Create { .. })).count() <= MOST_SHOWN;
        for (number, wave) in plan.waves.iter().enumerate() {
            self.line(format!("\n{}", self.style.faint(&format!("wave {}", number + 1))));
            let mut folded: BTreeMap<&Address, usize> = BTreeMap::new();
            for step in wave.iter().filter_map(|id| plan.steps.get(*id)) {
                match is_of_restored(plan, step) {
                    true => *folded.entry(&step.address).or_default() += 1,
                    false => self.step(step, few),
                }
            }
            for (address, count) in folded {
                let step = plan.steps.iter().find(|step| &step.address == address);
                let name = safe(step.map_or("", |step| step.name.as_str()));
                let (links, kind) = (counted(count, "link"), address.kind.name);
                self.line(format!("  + {links} of {kind} \"{name}\", unless it comes back with them"));
            }
        }
    }

    /// Adds a step. `few` is true if so few objects are created that each is shown property by property.
    fn step(&mut self, step: &Step, few: bool) {
        let (style, names) = (self.style, self.names);
        let line = format!("  {} {}", mark(&step.action), title(step, names));
        let line = match &step.action {
            Action::Create { .. } | Action::Restore | Action::Link { .. } => style.added(&line),
            Action::Delete | Action::Unlink { .. } => style.removed(&line),
            Action::Update { .. } | Action::Call { .. } | Action::Relink { .. } => style.changed(&line),
        };
        self.line(format!("{line}  {}", style.faint(&safe(&step.address.id))));
        for by in &step.by {
            self.line(format!("      {}", style.faint(&format!("made by: {}", safe(by)))));
        }
        for risk in &step.risks {
            let line = format!("      ! {}", risk_line(risk));
            self.line(if risk.level == Level::High { style.removed(&line) } else { line });
        }
        if is_credential(step) {
            self.line("      ! whatever signs in with it cannot do so any more");
        }
        if let Action::Create { body } = &step.action
            && (step.address.id.starts_with("new:") || few)
        {
            for (name, value) in body.iter().filter(|(name, _)| *name != "displayName") {
                self.line(format!("      + {}: {}", safe(name), value_text(value, names)));
            }
        }
        if let Action::Update { body, changes } = &step.action {
            self.changes(body, changes);
        }
    }

    /// Adds what an update changes.
    fn changes(&mut self, body: &Map<String, Value>, changes: &[FieldChange]) {
        for change in changes {
            let (sign, text) = field_line(change, self.names);
            self.line(format!("      {sign} {text}"));
        }
        // A property is written although it does not differ, because it names an object that is created again.
        let unchanged = |name: &&String| !changes.iter().any(|change| top(change.path()) == name.as_str());
        for name in body.keys().filter(|name| !name.starts_with('@')).filter(unchanged) {
            self.line(format!("      ~ {}: follows the new id of what it names", safe(name)));
        }
    }

    fn losses(&mut self) {
        let plan = self.plan;
        if lost(plan).next().is_none() {
            return;
        }
        self.line(format!("\n{}", self.style.bold("What this cannot bring back")));
        let totals = losses::totals(&plan.losses);
        // A sum is of no use for few losses.
        if !totals.is_empty() && lost(plan).count() > 3 {
            self.line(format!("  in all: {}", totals.join(", ")));
        }
        // The same loss of many objects is one line.
        let mut by_loss: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
        for loss in lost(plan) {
            by_loss.entry((loss.address.kind.name, loss.what())).or_default().push(&loss.name);
        }
        for ((kind, what), names) in by_loss {
            let shown: Vec<String> = names.iter().take(3).map(|name| format!("\"{}\"", safe(name))).collect();
            let shown = shown.join(", ");
            self.line(match names.len() {
                1..=3 => format!("  ! {kind} {shown}: {}", safe(&what)),
                many => format!("  ! {many} × {kind} ({shown} …): {}", safe(&what)),
            });
        }
    }

    fn unknown(&mut self) {
        let plan = self.plan;
        if !plan.unknown.is_empty() {
            self.line(format!("\n{}", self.style.bold("Left alone, because it is not completely known")));
            for (what, coverage) in &plan.unknown {
                self.line(format!("  ? {}: {}", safe(what), coverage.as_str()));
            }
        }
    }

    fn unmanaged(&mut self) {
        let unmanaged: Vec<&Address> = unmanaged(self.plan).collect();
        if unmanaged.is_empty() {
            return;
        }
        let count = objects(unmanaged.len());
        self.line(format!("\n{count} only in the tenant and left there (--prune deletes them):"));
        for address in unmanaged.iter().take(20) {
            let name = self.names.get(&address.id).unwrap_or_default();
            self.line(format!("  {} {} {}", address.kind.name, safe(&address.id), safe(name)));
        }
        if unmanaged.len() > 20 {
            self.line(format!("  … and {} more", unmanaged.len() - 20));
        }
    }

    fn verdict(&mut self, verdict: &Verdict) {
        let style = self.style;
        let word = if verdict.refused { style.removed("refused") } else { style.changed("warning") };
        self.line(format!("\n{word} by {}: {}", verdict.guard, safe(&verdict.message)));
        if verdict.refused && (1..=5).contains(&verdict.objects.len()) {
            let objects = verdict.objects.iter().map(|object| format!("--accept {}:{}", verdict.guard, safe(object)));
            let accept = format!("if it is meant: {}", objects.collect::<Vec<_>>().join(" "));
            self.line(format!("  {}", style.faint(&accept)));
        }
    }
}

/// Returns the losses that the list of remaining differences does not show already.
pub(super) fn lost(plan: &Plan) -> impl Iterator<Item = &Loss> {
    let made = |address: &Address| {
        plan.steps.iter().any(|step| matches!(step.action, Action::Create { .. }) && step.address == *address)
    };
    let left: BTreeSet<&Address> = plan.left.iter().map(|left| &left.address).collect();
    plan.losses.iter().filter(move |loss| !left.contains(&loss.address) || made(&loss.address))
}

fn is_credential(step: &Step) -> bool {
    match &step.action {
        Action::Unlink { link, .. } => step.address.kind.credential(link).is_some(),
        _ => false,
    }
}

/// Returns true if the step adds a link of an object that is restored from the recycle bin, which restores most of its
/// links.
fn is_of_restored(plan: &Plan, step: &Step) -> bool {
    matches!(step.action, Action::Link { .. })
        && step
            .needs
            .iter()
            .filter_map(|need| plan.steps.get(*need))
            .any(|need| need.action == Action::Restore && need.address == step.address)
}

fn mark(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } | Action::Link { .. } => "+",
        Action::Restore => "↺",
        Action::Update { .. } | Action::Call { .. } | Action::Relink { .. } => "~",
        Action::Unlink { .. } | Action::Delete => "-",
    }
}

/// Returns the unmanaged objects that the list of remaining differences does not show already.
pub(super) fn unmanaged(plan: &Plan) -> impl Iterator<Item = &Address> {
    let left: BTreeSet<&Address> = plan.left.iter().map(|left| &left.address).collect();
    plan.unmanaged.iter().filter(move |address| !left.contains(address))
}

pub(super) fn objects(count: usize) -> String {
    counted(count, "object")
}

/// Returns `5 steps: 1 restore, 2 update, 2 link`.
pub fn counts(plan: &Plan) -> String {
    let words = ["create", "restore", "update", "set", "link", "relink", "unlink", "delete"];
    let parts: Vec<String> = words
        .into_iter()
        .filter_map(|word| {
            let count = plan.steps.iter().filter(|step| step.action.as_str() == word).count();
            (count > 0).then(|| format!("{count} {word}"))
        })
        .collect();
    let steps = counted(plan.steps.len(), "step");
    if parts.is_empty() { steps } else { format!("{steps}: {}", parts.join(", ")) }
}

/// Lists the kinds that the plan changes, for a one-line message: `2 groups, 1 Conditional Access policies`.
pub fn kinds_touched(plan: &Plan) -> String {
    let parts: Vec<String> = kinds::ALL
        .iter()
        .filter_map(|kind| {
            let mut ids: Vec<&str> =
                plan.steps.iter().filter(|s| s.address.kind.name == kind.name).map(|s| s.address.id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            (!ids.is_empty()).then(|| format!("{} {}", ids.len(), kind.title))
        })
        .collect();
    parts.join(", ")
}
