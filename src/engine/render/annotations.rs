//! Renders findings of validation for the hosts that show them beside the lines of a pull request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{json as documents, safe};
use crate::engine::digest;
use crate::model::Finding;
use crate::model::finding::Severity;

/// Renders workflow commands of GitHub Actions, one line each.
/// <https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message>
pub fn github(findings: &[Finding]) -> String {
    lines(findings, |finding| {
        let mut properties = vec![format!("file={}", github_property(&finding.path))];
        if finding.line > 0 {
            properties.push(format!("line={}", finding.line));
        }
        if finding.column > 0 {
            properties.push(format!("col={}", finding.column));
        }
        properties.push(format!("title={}", github_property(finding.check)));
        format!("::{} {}::{}", finding.severity.as_str(), properties.join(","), github_data(&finding.message))
    })
}

/// Renders logging commands of Azure Pipelines, one line each.
/// <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands#logissue-log-an-error-or-warning>
pub fn azure(findings: &[Finding]) -> String {
    lines(findings, |finding| {
        let mut properties =
            vec![format!("type={}", finding.severity.as_str()), format!("sourcepath={}", azure_escaped(&finding.path))];
        if finding.line > 0 {
            properties.push(format!("linenumber={}", finding.line));
        }
        if finding.column > 0 {
            properties.push(format!("columnnumber={}", finding.column));
        }
        properties.push(format!("code={}", azure_escaped(finding.check)));
        format!("##vso[task.logissue {}]{}", properties.join(";"), azure_escaped(&finding.message))
    })
}

/// Renders a report of GitLab's Code Quality.
/// <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>
pub fn gitlab(findings: &[Finding]) -> String {
    let issues = findings.iter().zip(fingerprints(findings)).map(|(finding, fingerprint)| {
        json!({
            "description": safe(&finding.message),
            "check_name": finding.check,
            "fingerprint": fingerprint,
            "severity": match finding.severity { Severity::Error => "major", Severity::Warning => "minor" },
            "location": {"path": finding.path, "lines": {"begin": finding.line.max(1)}},
        })
    });
    documents::pretty(&Value::Array(issues.collect()))
}

/// Returns for each finding a text of its own that stays the same while the finding does, also if lines are added above it.
pub(super) fn fingerprints(findings: &[Finding]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let texts = findings.iter().map(|finding| {
        let text = format!("{}\n{}\n{}", finding.path, finding.check, finding.message);
        let number = seen.entry(text.clone()).or_default();
        *number += 1;
        digest::bytes(format!("{text}\n{number}").as_bytes())
    });
    texts.collect()
}

fn lines(findings: &[Finding], line: impl Fn(&Finding) -> String) -> String {
    findings.iter().map(|finding| line(finding) + "\n").collect()
}

/// Escapes the text of a command as GitHub's own toolkit does.
/// <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>
fn github_data(text: &str) -> String {
    safe(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Escapes text for a logging command.
/// <https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands#formatting-commands>
fn azure_escaped(text: &str) -> String {
    let text = safe(text).replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A");
    text.replace(';', "%3B").replace(']', "%5D")
}

#[cfg(test)]
mod tests {
    use super::super::sarif;
    use super::*;

    fn findings() -> [Finding; 3] {
        let finding = |path: &str, line, column, severity, message: &str| Finding {
            path: path.to_owned(),
            line,
            column,
            severity,
            check: "enum",
            message: message.to_owned(),
        };
        [
            finding("groups/a,b: 100%.yaml", 7, 3, Severity::Error, "`state` is `enabld`; nearest is `enabled`"),
            finding("policies/x.yaml", 2, 0, Severity::Warning, "1;2]3 50%\n::error::##vso[task.complete]"),
            finding("manifest.yaml", 0, 0, Severity::Error, "circular"),
        ]
    }

    #[test]
    fn each_host_gets_its_own_form() {
        insta::assert_snapshot!(github(&findings()), @r"
        ::error file=groups/a%2Cb%3A 100%25.yaml,line=7,col=3,title=enum::`state` is `enabld`; nearest is `enabled`
        ::warning file=policies/x.yaml,line=2,title=enum::1;2]3 50%25\u{a}::error::# #vso[task.complete]
        ::error file=manifest.yaml,title=enum::circular
        ");
        insta::assert_snapshot!(azure(&findings()), @r"
        ##vso[task.logissue type=error;sourcepath=groups/a,b: 100%AZP25.yaml;linenumber=7;columnnumber=3;code=enum]`state` is `enabld`%3B nearest is `enabled`
        ##vso[task.logissue type=warning;sourcepath=policies/x.yaml;linenumber=2;code=enum]1%3B2%5D3 50%AZP25\u{a}::error::# #vso[task.complete%5D
        ##vso[task.logissue type=error;sourcepath=manifest.yaml;code=enum]circular
        ");
        let issues: Value = serde_json::from_str(&gitlab(&findings())).unwrap();
        let begin = |at: usize| issues[at]["location"]["lines"]["begin"].as_u64();
        assert_eq!((begin(0), begin(1), begin(2)), (Some(7), Some(2), Some(1)), "{issues}");
        assert_eq!(issues[1]["severity"], "minor");
        assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
        let log: Value = serde_json::from_str(&sarif::findings(&findings())).unwrap();
        let place = |at: usize| &log["runs"][0]["results"][at]["locations"][0]["physicalLocation"];
        assert_eq!(place(0)["region"], json!({"startLine": 7, "startColumn": 3}), "{log}");
        assert_eq!(place(1)["region"], json!({"startLine": 2}), "{log}");
        assert_eq!(place(0)["artifactLocation"]["uri"], "groups/a,b%3A%20100%25.yaml");
    }
}
