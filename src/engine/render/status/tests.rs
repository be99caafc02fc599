use jiff::SignedDuration;

use super::super::fits::assert_fits;
use super::super::status_json::json;
use super::*;
use crate::engine::status::{Bin, Push, Risky, Seen, Taken};
use crate::model::Coverage;

fn quiet() -> Status {
    Status {
        tenant: "7f9a1b2c-0000-4000-8000-000000000001".to_owned(),
        now: "2026-11-23T12:00:00Z".parse().unwrap_or_default(),
        snapshot: Some(Taken { commit: "a".repeat(40), seconds: 1_795_433_400 }),
        objective: SignedDuration::from_hours(24),
        main: "main".to_owned(),
        risk_days: 7,
        ..Status::default()
    }
}

fn busy() -> Status {
    let credential = |end: &str| Credential {
        called: "application",
        id: "1".to_owned(),
        name: "Portal\u{1b}[31m".to_owned(),
        sort: "client secret",
        key: "k".to_owned(),
        end: end.parse::<Timestamp>().map_or(0, |time| time.as_second()),
    };
    Status {
        snapshot: Some(Taken { commit: "b".repeat(40), seconds: 1_795_175_000 }),
        gaps: vec![("group".to_owned(), Coverage::DeniedPermission)],
        pending: (0..12).map(|number| format!("groups/{number}.yaml")).collect(),
        pushes: Some(vec![
            Push { name: "snapshots".to_owned(), ahead: Some(3) },
            Push { name: "main".to_owned(), ahead: Some(0) },
            Push { name: "notes".to_owned(), ahead: None },
        ]),
        risks: vec![Risky {
            level: Level::High,
            says: "an exclusion was added".to_owned(),
            rule: "exclusion-added".to_owned(),
            path: "conditions.users.excludeUsers".to_owned(),
            called: "conditionalAccessPolicy",
            id: "2".to_owned(),
            name: "CA001".to_owned(),
            commit: "c".repeat(40),
            seconds: 1_795_175_000,
            actors: vec!["Ada <ada@contoso.com>".to_owned()],
        }],
        credentials: vec![credential("2026-11-25T18:00:00Z"), credential("2020-01-01T00:00:00Z")],
        live: Live::Known(Seen {
            baseline: "main".to_owned(),
            drift: 2,
            risks: [1, 0, 0],
            complete: false,
            bins: vec![Bin { kind: "group", title: "groups", objects: 3, soon: 1, first_days: Some(2) }],
            unread: vec![("user".to_owned(), "permission denied".to_owned())],
        }),
        ..quiet()
    }
}

#[test]
fn one_screen() {
    insta::assert_snapshot!(text(&quiet(), Style::default()), @r#"
    Status  tenant 7f9a1b2c-0000-4000-8000-000000000001
        snapshot     aaaaaaaaaa of 2026-11-23T11:30:00Z, 30 minutes old (objective: 1 day)
        coverage     everything that was asked for was read
        pending      no edit on main waits to be applied
        remote       none: this clone is the only one that is known
        second look  nothing in the last 7 days
        credentials  none ends within 30 days
        tenant       not asked; --live does
    "#);
    insta::assert_snapshot!(text(&busy(), Style::default()), @r#"
    Status  tenant 7f9a1b2c-0000-4000-8000-000000000001
     !  snapshot     bbbbbbbbbb of 2026-11-20T11:43:20Z, 3 days old (older than 1 day)
     !  coverage     1 kind or link not completely read
                     group: denied-permission
     !  pending      12 objects edited on main and not applied; `entragit plan --changes ..main`
                     groups/0.yaml
                     groups/1.yaml
                     groups/2.yaml
                     groups/3.yaml
                     groups/4.yaml
                     groups/5.yaml
                     groups/6.yaml
                     groups/7.yaml
                     groups/8.yaml
                     groups/9.yaml
                     … and 2 more
     !  remote       the remote does not have everything; `git push` it
                     snapshots: 3 commits
                     notes: not known here; push and fetch it
     !  second look  1 high in the last 7 days
                     high: an exclusion was added in conditionalAccessPolicy "CA001" (conditions.users.excludeUsers) by Ada <ada@contoso.com>, cccccccccc
     !  credentials  1 ends within 30 days; 1 ended already
                     client secret of application "Portal\u{1b}[31m" ends in 2 days 6 hours
     !  drift        2 objects differ from main; `entragit drift` shows them (not everything could be read)
     !  recycle bin  3 objects can still be restored
                     3 groups: the first is gone in 2 days, 1 in fewer than 7 days
                     user: could not be read: permission denied
    "#);
    let none = Status { snapshot: None, live: Live::Unknown("nothing to sign in with".to_owned()), ..quiet() };
    insta::assert_snapshot!(text(&none, Style::default()), @r#"
    Status  tenant 7f9a1b2c-0000-4000-8000-000000000001
     !  snapshot     there is none yet; `entragit export` makes one
        remote       none: this clone is the only one that is known
     !  tenant       could not be asked: nothing to sign in with
    "#);
}

#[test]
fn one_document() {
    insta::assert_snapshot!(json(&busy()), @r#"
    {
      "attention": [
        "snapshot",
        "coverage",
        "pending",
        "unpushed",
        "risks",
        "credentials",
        "drift",
        "recycle-bin"
      ],
      "coverage": [
        {
          "coverage": "denied-permission",
          "what": "group"
        }
      ],
      "credentials": {
        "days": 30,
        "ended": 1,
        "ending": [
          {
            "credential": "client secret",
            "end": "2026-11-25T18:00:00Z",
            "id": "1",
            "keyId": "k",
            "kind": "application",
            "name": "Portal\u001b[31m"
          }
        ]
      },
      "formatVersion": 1,
      "live": {
        "complete": false,
        "drift": {
          "baseline": "main",
          "objects": 2,
          "risks": {
            "high": 1,
            "low": 0,
            "medium": 0
          }
        },
        "known": true,
        "recycleBin": [
          {
            "firstGoneInDays": 2,
            "goneSoon": 1,
            "kind": "group",
            "objects": 3
          }
        ],
        "unread": [
          {
            "kind": "user",
            "why": "permission denied"
          }
        ]
      },
      "now": "2026-11-23T12:00:00Z",
      "objectiveSeconds": 86400,
      "pending": [
        "groups/0.yaml",
        "groups/1.yaml",
        "groups/2.yaml",
        "groups/3.yaml",
        "groups/4.yaml",
        "groups/5.yaml",
        "groups/6.yaml",
        "groups/7.yaml",
        "groups/8.yaml",
        "groups/9.yaml",
        "groups/10.yaml",
        "groups/11.yaml"
      ],
      "remote": [
        {
          "ahead": 3,
          "ref": "snapshots"
        },
        {
          "ahead": 0,
          "ref": "main"
        },
        {
          "ahead": null,
          "ref": "notes"
        }
      ],
      "risks": {
        "days": 7,
        "high": 1,
        "low": 0,
        "medium": 0,
        "worst": [
          {
            "actors": [
              "Ada <ada@contoso.com>"
            ],
            "commit": "cccccccccccccccccccccccccccccccccccccccc",
            "id": "2",
            "kind": "conditionalAccessPolicy",
            "level": "high",
            "name": "CA001",
            "path": "conditions.users.excludeUsers",
            "rule": "exclusion-added",
            "says": "an exclusion was added",
            "time": "2026-11-20T11:43:20Z"
          }
        ]
      },
      "snapshot": {
        "ageSeconds": 260200,
        "commit": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "late": true,
        "time": "2026-11-20T11:43:20Z"
      },
      "tenant": "7f9a1b2c-0000-4000-8000-000000000001"
    }
    "#);
}

#[test]
fn the_document_fits_its_schema() {
    let none = Status { snapshot: None, live: Live::Unknown("nothing to sign in with".to_owned()), ..quiet() };
    assert_fits!("status", json(&busy()), json(&quiet()), json(&none));
}

#[test]
fn what_needs_attention_is_a_list_of_words() {
    assert_eq!(quiet().attention(), [""; 0]);
    let all = ["snapshot", "coverage", "pending", "unpushed", "risks", "credentials", "drift", "recycle-bin"];
    assert_eq!(busy().attention(), all);
    assert!(busy().is_incomplete() && !quiet().is_incomplete());
}

#[test]
fn durations_are_said_in_two_units() {
    let said: Vec<String> = [0, 1, 60, 3_599, 3_600, 90_000, 86_400 * 3 + 59, -5].map(duration).into();
    assert_eq!(
        said.join(", "),
        "0 seconds, 1 second, 1 minute, 59 minutes 59 seconds, 1 hour, 1 day 1 hour, 3 days, 0 seconds"
    );
}
