//! Renders risks and findings for code scanning as SARIF 2.1.0.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>,
//! <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::annotations::fingerprints;
use super::{json as documents, safe, who};
use crate::engine::digest;
use crate::model::{Change, Finding, Level, Report, Risk};

/// Renders the risks of a report, one result each. The result of an object without a file (it is gone) is placed in
/// `manifest.yaml`, since code scanning requires a location.
pub fn report(report: &Report) -> String {
    let mut rules: BTreeMap<&str, (&Risk, usize)> = BTreeMap::new();
    for risk in report.changes.iter().flat_map(|change| &change.risks) {
        let next = rules.len();
        rules.entry(&risk.rule).or_insert((risk, next));
    }
    let results: Vec<Value> = report
        .changes
        .iter()
        .flat_map(|change| change.risks.iter().map(move |risk| (change, risk)))
        .map(|(change, risk)| {
            result(report, change, risk, rules.get(risk.rule.as_str()).map_or(0, |(_, index)| *index))
        })
        .collect();
    let mut described: Vec<(&(&Risk, usize), Value)> = rules
        .iter()
        .map(|(id, rule)| {
            let (risk, _) = rule;
            let descriptor = json!({
                "id": id,
                "name": id,
                "shortDescription": {"text": safe(&risk.says)},
                "defaultConfiguration": {"level": level(risk.level)},
                // GitHub sorts alerts by this number:
                // <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning#reportingdescriptor-object>
                "properties": {"security-severity": severity(risk.level), "tags": ["security", "identity"]},
            });
            (rule, descriptor)
        })
        .collect();
    described.sort_by_key(|((_, index), _)| *index);
    let rules: Vec<Value> = described.into_iter().map(|(_, descriptor)| descriptor).collect();
    let sides = json!({"before": safe(&report.before), "after": safe(&report.after)});
    log(&rules, &sides, &results)
}

/// Renders the findings of validation, one result each.
pub fn findings(findings: &[Finding]) -> String {
    let checks: BTreeSet<&str> = findings.iter().map(|finding| finding.check).collect();
    let checks: Vec<&str> = checks.into_iter().collect();
    let rules: Vec<Value> = checks
        .iter()
        .map(|check| json!({"id": check, "name": check, "shortDescription": {"text": check.replace('-', " ")}}))
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .zip(fingerprints(findings))
        .map(|(finding, fingerprint)| {
            let mut region = json!({"startLine": finding.line.max(1)});
            if finding.column > 0 {
                region["startColumn"] = finding.column.into();
            }
            json!({
                "ruleId": finding.check,
                "ruleIndex": checks.binary_search(&finding.check).unwrap_or_default(),
                "level": finding.severity.as_str(),
                "message": {"text": safe(&finding.message)},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri(&finding.path), "uriBaseId": "%SRCROOT%"},
                        "region": region,
                    },
                }],
                "partialFingerprints": {"entragit/v1": fingerprint},
            })
        })
        .collect();
    log(&rules, &json!({}), &results)
}

/// Renders a log with one run.
fn log(rules: &[Value], properties: &Value, results: &[Value]) -> String {
    documents::pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Entragit",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "properties": properties,
            "results": results,
        }],
    }))
}

fn result(report: &Report, change: &Change, risk: &Risk, index: usize) -> Value {
    let who = who(change, &report.audited).join("; ");
    let by = if who.is_empty() { String::new() } else { format!(". {who}") };
    let what = if risk.path.is_empty() { String::new() } else { format!(" ({})", safe(&risk.path)) };
    let text = format!("{} \"{}\": {}{what}{by}", change.called, safe(&change.name), safe(&risk.says));
    let path = if change.path.is_empty() { "manifest.yaml" } else { &change.path };
    let identity = format!("{} {} {} {}", change.address.kind.name, change.address.id, risk.rule, risk.path);
    json!({
        "ruleId": risk.rule,
        "ruleIndex": index,
        "level": level(risk.level),
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(path), "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": risk.line.max(1)},
            },
            "logicalLocations": [{"name": safe(&change.name), "fullyQualifiedName": change.address.to_string(), "kind": "object"}],
        }],
        "partialFingerprints": {"entragit/v1": digest::bytes(identity.as_bytes())},
    })
}

/// Returns a path as a relative reference.
fn uri(path: &str) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'%')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'#')
        .add(b'`')
        .add(b':')
        .add(b'[')
        .add(b']')
        .add(b'{')
        .add(b'}')
        .add(b'|')
        .add(b'\\')
        .add(b'^');
    utf8_percent_encode(path, ESCAPED).to_string()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::High => "error",
        Level::Medium => "warning",
        Level::Low => "note",
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::High => "8.0",
        Level::Medium => "5.0",
        Level::Low => "2.0",
    }
}
