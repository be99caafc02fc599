use super::*;
use crate::model::{Actor, AuditEvent, ChangeKind, Ignored, LeftOut, Level, Risk};

fn report(names: usize) -> Report {
    let hostile = "<!channel> *x* `y` [a](https://evil.test) & {{DATE(2017)}} \u{202e}<at>Ada</at> @here";
    let change = |number: usize| Change {
        address: crate::kinds::address("conditionalAccessPolicy", number.to_string()).unwrap(),
        called: "conditionalAccessPolicy",
        name: hostile.to_owned(),
        about: vec![],
        what: ChangeKind::Removed,
        whole: Vec::new(),
        manner: None,
        risks: vec![Risk {
            level: Level::High,
            rule: "policy-removed".to_owned(),
            says: "the policy is gone".to_owned(),
            path: String::new(),
            line: 0,
            weakens: false,
        }],
        path: String::new(),
        events: vec![AuditEvent {
            id: number.to_string(),
            time: "2026-01-01T00:00:00Z".to_owned(),
            activity: "Delete conditional access policy".to_owned(),
            actor: Actor {
                id: number.to_string(),
                name: format!("<@U{number}> ```"),
                is_app: false,
                ..Actor::default()
            },
            correlation_id: String::new(),
            targets: vec![number.to_string()],
            properties: vec![],
            recovery: false,
        }],
    };
    let ignored = Ignored { rule: "user jobTitle".to_owned(), reason: "<HR>".to_owned(), differences: 2, objects: 1 };
    Report {
        before: "main".to_owned(),
        after: "live".to_owned(),
        changes: (0..names).map(change).collect(),
        drift: Some(LeftOut { pending: 1, ignored: vec![ignored] }),
        ..Report::default()
    }
}

fn shown(shape: Shape, count: usize) -> String {
    let value: Value = serde_json::from_str(&message(&report(count), "t", shape)).unwrap_or_default();
    serde_json::to_string_pretty(&value).unwrap_or_default().replace('\u{2060}', "(joiner)")
}

#[test]
fn slack_takes_names_for_text() {
    insta::assert_snapshot!(shown(Shape::Slack, 1), @r#"
    {
      "blocks": [
        {
          "text": {
            "text": "*Entra drift: main → live (tenant t)*\n1 object differs: 1 removed. Worth a second look: 1 high",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "• high: the policy is gone in conditionalAccessPolicy \"&lt;!channel&gt; ∗x∗ ˋyˋ [a](https://evil.test) &amp; {{DATE(2017)}} \\u{202e}&lt;at&gt;Ada&lt;/at&gt; …\"",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "text": {
            "text": "By &lt;@U0&gt; ˋˋˋ",
            "type": "mrkdwn",
            "verbatim": true
          },
          "type": "section"
        },
        {
          "elements": [
            {
              "text": "Pending, so no drift: 1 difference that main has and nobody applied yet\nIgnored by entragit.yaml: 2 differences in 1 object (user jobTitle): &lt;HR&gt;",
              "type": "mrkdwn",
              "verbatim": true
            }
          ],
          "type": "context"
        }
      ],
      "text": "Entra drift: main → live (tenant t)"
    }
    "#);
}

#[test]
fn teams_takes_names_for_text() {
    insta::assert_snapshot!(shown(Shape::Teams, 1), @r#"
    {
      "attachments": [
        {
          "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "body": [
              {
                "inlines": [
                  {
                    "size": "Medium",
                    "text": "Entra drift: main → live (tenant t)",
                    "type": "TextRun",
                    "weight": "Bolder"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "1 object differs: 1 removed. Worth a second look: 1 high",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "• high: the policy is gone in conditionalAccessPolicy \"<!channel> *x* `y` [a](https://evil.test) & {(joiner){DATE(2017)}} \\u{202e}<at>Ada</at> …\"",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "By <@U0> ```",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "isSubtle": true,
                    "size": "Small",
                    "text": "Pending, so no drift: 1 difference that main has and nobody applied yet",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "isSubtle": true,
                    "size": "Small",
                    "text": "Ignored by entragit.yaml: 2 differences in 1 object (user jobTitle): <HR>",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              }
            ],
            "type": "AdaptiveCard",
            "version": "1.2"
          },
          "contentType": "application/vnd.microsoft.card.adaptive",
          "contentUrl": null
        }
      ],
      "type": "message"
    }
    "#);
}

#[test]
fn a_program_gets_a_document() {
    insta::assert_snapshot!(shown(Shape::Generic, 1), @r#"
    {
      "actors": [
        "<@U0> ```"
      ],
      "after": "live",
      "before": "main",
      "complete": true,
      "drift": true,
      "event": "drift",
      "formatVersion": 1,
      "leftOut": {
        "ignored": [
          {
            "differences": 2,
            "objects": 1,
            "reason": "<HR>",
            "rule": "user jobTitle"
          }
        ],
        "pending": 1
      },
      "objects": 1,
      "risks": {
        "high": 1,
        "low": 0,
        "medium": 0
      },
      "summary": "1 object differs: 1 removed. Worth a second look: 1 high",
      "tenant": "t",
      "worst": [
        "high: the policy is gone in conditionalAccessPolicy \"<!channel> *x* `y` [a](https://evil.test) & {{DATE(2017)}} \\u{202e}<at>Ada</at> …\""
      ]
    }
    "#);
    insta::assert_snapshot!(shown(Shape::Generic, 0), @r#"
    {
      "actors": [],
      "after": "live",
      "before": "main",
      "complete": true,
      "drift": false,
      "event": "drift",
      "formatVersion": 1,
      "leftOut": {
        "ignored": [
          {
            "differences": 2,
            "objects": 1,
            "reason": "<HR>",
            "rule": "user jobTitle"
          }
        ],
        "pending": 1
      },
      "objects": 0,
      "risks": {
        "high": 0,
        "low": 0,
        "medium": 0
      },
      "summary": "No drift",
      "tenant": "t",
      "worst": []
    }
    "#);
}

#[test]
fn messages_stay_small() {
    for shape in [Shape::Generic, Shape::Slack, Shape::Teams] {
        let size = message(&report(5_000), "t", shape).len();
        assert!(size < 20_000, "{shape:?}: {size}");
    }
}

#[test]
fn hosts_say_what_they_understand() {
    for (host, shape) in [
        ("hooks.slack.com", Shape::Slack),
        ("contoso.webhook.office.com", Shape::Teams),
        ("prod-01.westeurope.logic.azure.com", Shape::Teams),
        ("abc.09.environment.api.powerplatform.com", Shape::Teams),
        ("hooks.slack.com.evil.test", Shape::Generic),
        ("notlogic.azure.com", Shape::Generic),
        ("127.0.0.1", Shape::Generic),
    ] {
        assert_eq!(Shape::of_host(host), shape, "{host}");
    }
}
