//! Renders a drift report as a message to a webhook: counts, the worst risks, and the authors. Names come from the tenant,
//! where anyone may have written them: they are escaped for each target, so that none can mention, link or format.

use serde_json::{Value, json};

use super::markdown::shortened;
use super::{left_out, risk_line, risks, safe, sign, summary, word};
use crate::engine::drift::is_complete;
use crate::model::{Change, Report};

/// Lists the message formats of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A JSON document in this project's own format.
    Generic,
    /// Slack: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
    Slack,
    /// Microsoft Teams, by a workflow or an incoming webhook:
    /// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>
    Teams,
}

impl Shape {
    /// Returns the format that a host is known to understand.
    pub fn of_host(host: &str) -> Shape {
        let host = host.to_ascii_lowercase();
        let below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        // Workflows have addresses of Logic Apps, and newer ones of the Power Platform
        // (`{environment}.environment.api.powerplatform.com`).
        if below("webhook.office.com") || below("logic.azure.com") || below("environment.api.powerplatform.com") {
            Shape::Teams
        } else if below("hooks.slack.com") {
            Shape::Slack
        } else {
            Shape::Generic
        }
    }
}

/// Maximum number of lines of one sort. Teams refuses messages of more than 28 KB:
/// <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
const MOST: usize = 10;
/// Maximum number of characters of a line. A text of Slack holds 3,000:
/// <https://docs.slack.dev/reference/block-kit/composition-objects/text-object>
const LONGEST: usize = 200;

/// Holds the content of the message, not yet escaped for a target.
struct Said {
    heading: String,
    summary: String,
    lines: Vec<String>,
    actors: Vec<String>,
    notes: Vec<String>,
}

/// Renders the message as JSON.
pub fn message(report: &Report, tenant: &str, shape: Shape) -> String {
    let said = said(report, tenant);
    let document = match shape {
        Shape::Generic => generic(report, tenant, &said),
        Shape::Slack => slack(&said),
        Shape::Teams => teams(&said),
    };
    document.to_string()
}

fn said(report: &Report, tenant: &str) -> Said {
    let mut worst: Vec<(&crate::model::Risk, &Change)> =
        report.changes.iter().flat_map(|change| change.risks.iter().map(move |risk| (risk, change))).collect();
    worst.sort_by_key(|(risk, _)| risk.level);
    let name = |change: &Change| format!("{} \"{}\"", change.called, shortened(&safe(&change.name), 80));
    let mut lines: Vec<String> =
        worst.iter().take(MOST).map(|(risk, change)| format!("{} in {}", risk_line(risk), name(change))).collect();
    let mut more = worst.len().saturating_sub(MOST);
    if worst.is_empty() {
        let changes = report.changes.iter().take(MOST);
        lines = changes.map(|change| format!("{} {}: {}", sign(change), name(change), word(change))).collect();
        more = report.changes.len().saturating_sub(MOST);
    }
    let mut lines: Vec<String> = lines.iter().map(|line| shortened(line, LONGEST)).collect();
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    let mut notes = left_out(report);
    notes.truncate(MOST);
    if !is_complete(report) {
        notes.push("Not everything could be read, so there may be more.".to_owned());
    }
    let risks = risks(report).map_or(String::new(), |risks| format!(". Worth a second look: {risks}"));
    Said {
        heading: format!("Entra drift: {} → {} (tenant {})", safe(&report.before), safe(&report.after), safe(tenant)),
        summary: format!("{}{risks}", summary(report)),
        lines,
        actors: actors(report),
        notes: notes.iter().map(|note| shortened(note, LONGEST)).collect(),
    }
}

/// Returns the actors, in the order of the report.
fn actors(report: &Report) -> Vec<String> {
    let mut actors: Vec<String> = Vec::new();
    for event in report.changes.iter().flat_map(|change| &change.events) {
        let label = shortened(&safe(&event.actor.label()), 120);
        if !actors.contains(&label) {
            actors.push(label);
        }
    }
    let more = actors.len().saturating_sub(MOST);
    actors.truncate(MOST);
    if more > 0 {
        actors.push(format!("… and {more} more"));
    }
    actors
}

fn generic(report: &Report, tenant: &str, said: &Said) -> Value {
    let count = |wanted| report.changes.iter().flat_map(|change| &change.risks).filter(|r| r.level == wanted).count();
    json!({
        "formatVersion": super::json::FORMAT_VERSION,
        "event": "drift",
        "tenant": tenant,
        "before": report.before,
        "after": report.after,
        "drift": !report.changes.is_empty(),
        "complete": is_complete(report),
        "summary": said.summary,
        "objects": report.changes.len(),
        "risks": {
            "high": count(crate::model::Level::High),
            "medium": count(crate::model::Level::Medium),
            "low": count(crate::model::Level::Low),
        },
        "worst": said.lines,
        "actors": said.actors,
        "leftOut": report.drift.as_ref().map(super::json::left_out),
    })
}

fn slack(said: &Said) -> Value {
    let text = |text: String| json!({"type": "mrkdwn", "text": shortened(&text, 2_900), "verbatim": true});
    let section = |body: String| json!({"type": "section", "text": text(body)});
    let mut blocks = vec![section(format!("*{}*\n{}", mrkdwn(&said.heading), mrkdwn(&said.summary)))];
    if !said.lines.is_empty() {
        let lines: Vec<String> = said.lines.iter().map(|line| format!("• {}", mrkdwn(line))).collect();
        blocks.push(section(lines.join("\n")));
    }
    if !said.actors.is_empty() {
        blocks.push(section(format!("By {}", mrkdwn(&said.actors.join(", ")))));
    }
    if !said.notes.is_empty() {
        blocks.push(json!({"type": "context", "elements": [text(mrkdwn(&said.notes.join("\n")))]}));
    }
    // Notifications show this text, and not the blocks.
    json!({"text": mrkdwn(&said.heading), "blocks": blocks})
}

/// Escapes text for Slack: the characters that begin mentions, links and entities are escaped as its page says. Formatting
/// marks have no escape, so that they are replaced by characters that look alike.
/// <https://docs.slack.dev/messaging/formatting-message-text#escaping>
fn mrkdwn(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '*' => out.push('∗'),
            '~' => out.push('∼'),
            '`' => out.push('ˋ'),
            c => out.push(c),
        }
        out
    })
}

fn teams(said: &Said) -> Value {
    let block = |text: &str, more: Value| {
        // Text runs do not interpret Markdown: <https://learn.microsoft.com/adaptive-cards/schema-explorer/text-run>
        let mut run = json!({"type": "TextRun", "text": card(text)});
        if let (Some(run), Some(more)) = (run.as_object_mut(), more.as_object()) {
            run.extend(more.clone());
        }
        json!({"type": "RichTextBlock", "inlines": [run]})
    };
    let mut body =
        vec![block(&said.heading, json!({"weight": "Bolder", "size": "Medium"})), block(&said.summary, json!({}))];
    body.extend(said.lines.iter().map(|line| block(&format!("• {line}"), json!({}))));
    if !said.actors.is_empty() {
        body.push(block(&format!("By {}", said.actors.join(", ")), json!({})));
    }
    body.extend(said.notes.iter().map(|note| block(note, json!({"isSubtle": true, "size": "Small"}))));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.2",
                "body": body,
            },
        }],
    })
}

/// Escapes text for a card: `{{DATE(…)}}` and similar functions are not evaluated.
/// <https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features>
fn card(text: &str) -> String {
    text.replace("{{", "{\u{2060}{")
}

#[cfg(test)]
mod tests;
