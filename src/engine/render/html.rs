//! Renders a report as one self-contained page: no script, nothing fetched, readable on a phone, in dark mode and on paper.

use std::fmt::Write as _;

use super::{audit_notes, heading, left_out, path_text, risks, safe, sign, summary, value_text, who, word};
use crate::engine::refs::Names;
use crate::kinds;
use crate::model::{Change, FieldChange, Report, Risk};

const STYLE: &str = include_str!("html.css");
/// Maximum number of objects that are shown open: a browser lays out closed ones later.
const OPEN: usize = 200;

/// Maximum number of rows of one object: a group may have lost a hundred thousand members, which browsers cannot show.
const MOST_FIELDS: usize = 1_000;

/// Renders a difference report.
pub fn report(report: &Report, names: &Names) -> String {
    let mut out = String::new();
    let title = format!("{} → {}", escape(&report.before), escape(&report.after));
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\n\
         <title>{}: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n\
         <h1>{title}</h1>\n<p class=\"sum\">{}</p>\n</header>\n",
        heading(report),
        escape(&summary(report))
    );
    let groups: Vec<(&str, Vec<(usize, &Change)>)> = grouped(report);
    if groups.len() > 1 {
        out.push_str("<nav aria-label=\"Kinds\">");
        for (kind, changes) in &groups {
            let _ = write!(out, "<a href=\"#{}\">{} {}</a>", escape(kind), escape(title_of(kind)), changes.len());
        }
        out.push_str("</nav>\n");
    }
    second_look(report, &mut out);
    out.push_str("<main>\n");
    let open = if report.changes.len() > OPEN { "" } else { " open" };
    for (kind, changes) in &groups {
        let _ = writeln!(
            out,
            "<h2 id=\"{}\">{} <small>{}</small></h2>",
            escape(kind),
            escape(title_of(kind)),
            changes.len()
        );
        for (number, change) in changes {
            object(*number, change, report, names, open, &mut out);
        }
    }
    out.push_str("</main>\n<footer>\n");
    if !report.unknown.is_empty() {
        out.push_str("<h2>Not completely known, so nothing is said of what is missing</h2>\n<ul>\n");
        for (what, before, after) in &report.unknown {
            let _ = writeln!(out, "<li>{}: {} → {}</li>", escape(what), before.as_str(), after.as_str());
        }
        out.push_str("</ul>\n");
    }
    for line in left_out(report) {
        let _ = writeln!(out, "<p>{}</p>", escape(&line));
    }
    for note in audit_notes(&report.audited) {
        let _ = writeln!(out, "<p class=\"who\">{}</p>", escape(&note));
    }
    out.push_str("</footer>\n</body>\n</html>\n");
    out
}

/// Groups the changes by kind, each with its number in the report.
fn grouped(report: &Report) -> Vec<(&str, Vec<(usize, &Change)>)> {
    let mut groups: Vec<(&str, Vec<(usize, &Change)>)> = Vec::new();
    for (number, change) in report.changes.iter().enumerate() {
        match groups.last_mut() {
            Some((kind, changes)) if *kind == change.address.kind.name => changes.push((number, change)),
            _ => groups.push((change.address.kind.name, vec![(number, change)])),
        }
    }
    groups
}

fn title_of(kind: &str) -> &str {
    kinds::by_name(kind).map_or(kind, |kind| kind.title)
}

fn second_look(report: &Report, out: &mut String) {
    const MOST: usize = 100;
    let Some(counts) = risks(report) else { return };
    let mut all: Vec<(usize, &Risk, &Change)> = report
        .changes
        .iter()
        .enumerate()
        .flat_map(|(number, change)| change.risks.iter().map(move |risk| (number, risk, change)))
        .collect();
    all.sort_by_key(|(_, risk, _)| risk.level);
    let _ = writeln!(
        out,
        "<section class=\"look\">\n<h2>Worth a second look <small>{}</small></h2>\n<ul>",
        escape(&counts)
    );
    for (number, risk, change) in all.iter().take(MOST) {
        let _ = writeln!(
            out,
            "<li><span class=\"{0}\">{0}</span> {1} in {2} <a href=\"#o{number}\">{3}</a></li>",
            risk.level.as_str(),
            escape(&risk.says),
            escape(change.called),
            name(change)
        );
    }
    if all.len() > MOST {
        let _ = writeln!(out, "<li>… and {} more</li>", all.len() - MOST);
    }
    out.push_str("</ul>\n</section>\n");
}

fn name(change: &Change) -> String {
    // A name in another direction of writing must not affect the text around it.
    format!("<bdi>{}</bdi>", escape(&change.name))
}

fn object(number: usize, change: &Change, report: &Report, names: &Names, open: &str, out: &mut String) {
    let sign = sign(change);
    let _ = writeln!(
        out,
        "<details id=\"o{number}\"{open}><summary><span class=\"k {}\">{sign} {}</span><b>{}</b></summary>\n<div>\n\
         <div class=\"id\">{} {}</div>",
        class(sign),
        escape(&word(change)),
        name(change),
        escape(change.called),
        escape(&change.address.id)
    );
    if !change.risks.is_empty() {
        out.push_str("<ul class=\"plain\">\n");
        for risk in &change.risks {
            let path = if risk.path.is_empty() { String::new() } else { format!(" ({})", escape(&risk.path)) };
            let level = risk.level.as_str();
            let _ = writeln!(out, "<li><span class=\"{level}\">{level}</span>: {}{path}</li>", escape(&risk.says));
        }
        out.push_str("</ul>\n");
    }
    if !change.shown().is_empty() {
        out.push_str("<table><thead><tr><th>Property</th><th>Before</th><th>After</th></tr></thead><tbody>\n");
        for field in change.shown().iter().take(MOST_FIELDS) {
            let (before, after) = match field {
                FieldChange::Value { before, after, .. } => (before.as_ref(), after.as_ref()),
                FieldChange::Gained { element, .. } => (None, Some(element)),
                FieldChange::Lost { element, .. } => (Some(element), None),
            };
            let cell = |sign: &str, value: Option<&serde_json::Value>| match value {
                Some(value) => {
                    format!("<td class=\"{}\">{sign} {}</td>", class(sign), escape(&value_text(value, names)))
                }
                None => "<td></td>".to_owned(),
            };
            let path = escape(&path_text(field.path(), names));
            let _ = writeln!(out, "<tr><th scope=\"row\">{path}</th>{}{}</tr>", cell("-", before), cell("+", after));
        }
        out.push_str("</tbody></table>\n");
        if change.shown().len() > MOST_FIELDS {
            let _ = writeln!(out, "<p class=\"who\">… and {} more</p>", change.shown().len() - MOST_FIELDS);
        }
    }
    let who = who(change, &report.audited);
    if !who.is_empty() {
        out.push_str("<ul class=\"plain who\">\n");
        for line in who {
            let _ = writeln!(out, "<li>{}</li>", escape(&line));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</div></details>\n");
}

fn class(sign: &str) -> &'static str {
    match sign {
        "+" => "a",
        "-" => "r",
        _ => "c",
    }
}

/// Escapes text for HTML, in an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    safe(text).chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}
