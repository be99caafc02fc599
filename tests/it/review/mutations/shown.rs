//! Reports as they are shown and saved: names that were made to harm, and more than fits.

use super::*;

/// Names that try to be more than text, in every place where a report shows a name.
const HOSTILE: &[&str] = &[
    "\u{1b}[31mred\u{1b}[0m \u{7}\u{9b}31m",
    "\u{202e}gnp.exe\u{2066}\u{200b}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover=\"x",
    "| a | b |\n```\n# heading\n@everyone [x](https://evil.example) www.evil.example ![i](http://evil.example/i.png)",
    "</summary></details>```\n::error::x\n##[error]x",
    "${jndi:x} %s {{7*7}} \u{0}\r\nX-Header: 1",
];

fn hostile_report() -> (Report, Names) {
    let before = base();
    let mut after = before.clone();
    let mut names = Names::default();
    let groups = [TEAM, ADMINS, DYNAMIC];
    for (at, name) in HOSTILE.iter().enumerate() {
        let (kind, number) = if at < 3 { ("group", groups[at]) } else { ("user", [ADA, BOB, EVE][at - 3]) };
        let object = after.get_mut(&(kind, id(number))).unwrap();
        object["displayName"] = (*name).into();
        object["description"] = (*name).into();
        object[*name] = (*name).into();
        names.insert(&id(number), name);
    }
    after.get_mut(&("group", id(TEAM))).unwrap()["members"] = value!([id(EVE)]);
    let mut report = report(&before, &after, &IdMap::default(), &Evidence::default());
    (report.before, report.after) = (HOSTILE[2].to_owned(), HOSTILE[0].to_owned());
    report.audited.looked = true;
    report.audited.gaps = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
    for (change, name) in report.changes.iter_mut().zip(HOSTILE.iter().cycle()) {
        let text = || (*name).to_owned();
        let actor = Actor { id: text(), name: text(), user_principal_name: text(), ip_address: text(), is_app: false };
        change.path = text();
        change.events = vec![AuditEvent {
            id: text(),
            time: text(),
            activity: text(),
            actor,
            correlation_id: text(),
            targets: vec![text()],
            properties: vec![text()],
            recovery: false,
        }];
    }
    (report, names)
}

#[test]
fn a_hostile_name_is_only_text_in_every_format() {
    let (report, names) = hostile_report();
    let shown = [
        text::report(&report, &names, Style::default()),
        markdown::report(&report, &names),
        html::report(&report, &names),
    ];
    for text in &shown {
        let bad = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}')
        };
        assert_eq!(text.chars().find(|c| bad(*c)), None, "{text}");
    }
    let [_, markdown, html] = &shown;
    for tag in ["<script", "<img", "onmouseover=\"x", "</summary></details>`"] {
        assert!(!html.contains(tag), "{tag}");
    }
    // A fence that a name opened would show in the number of fences.
    assert_eq!(markdown.matches("\n```").count() % 2, 0, "{markdown}");
    for line in markdown.lines().filter(|line| line.starts_with("| ")) {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 6, "{line}");
    }
    // What a backslash stands before is a character, and so is it gone for this purpose.
    let mut outside = String::new();
    let mut chars = markdown.split("```").step_by(2).flat_map(str::chars);
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else {
            outside.push(c)
        }
    }
    for live in ["@everyone", "](http", "<script", "<img", "://evil", "www.evil"] {
        assert!(!outside.contains(live), "{live}: {outside}");
    }
    let sarif: Value = serde_json::from_str(&sarif::report(&report)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn a_saved_report_is_read_back_as_it_was() {
    let schema: Value = serde_json::from_str(include_str!("../../../../schemas/output/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let before = base();
    let mut reports = vec![hostile_report()];
    for (_, edit) in EDITS {
        let mut after = before.clone();
        edit(&mut after);
        reports.push((report(&before, &after, &IdMap::default(), &Evidence::default()), Names::default()));
    }
    for (report, names) in reports {
        let text = json::report(&report, &names);
        let document: Value = serde_json::from_str(&text).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        // The hostile one has names where times belong, which only a validator of formats would mind.
        assert!(wrong.is_empty(), "{wrong:?}\n{text}");
        let (read, names) = saved::read(text.as_bytes()).unwrap();
        assert_eq!(read, report);
        assert_eq!(json::report(&read, &names), text);
    }
}

#[test]
fn a_long_report_fits_a_comment_and_says_what_it_left_out() {
    let (before, mut after) = (base(), base());
    for number in 0..3_000 {
        let mut policy = before[&("conditionalAccessPolicy", id(POLICY))].clone();
        policy["id"] = id(0x1000 + number).into();
        policy["displayName"] = format!("Policy {number} | {}", "ü".repeat(300)).into();
        after.insert(("conditionalAccessPolicy", id(0x1000 + number)), policy);
    }
    let mut before = after.clone();
    for ((kind, _), object) in &mut before {
        if *kind == "conditionalAccessPolicy" {
            object["state"] = "disabled".into();
        }
    }
    let mut report = report(&before, &after, &IdMap::default(), &Evidence::default());
    report.audited.gaps = vec!["x".repeat(10_000)];
    let text = markdown::report(&report, &Names::default());
    // <https://github.com/orgs/community/discussions/41331>: "body is too long (maximum is 65536 characters)"
    assert!(text.chars().count() < 65_536, "{}", text.chars().count());
    assert!(text.contains("3001 objects differ: 3001 modified"), "{}", &text[..300]);
    assert!(
        text.contains("more objects, which do not fit here") && text.contains("**Worth a second look**: 3001 medium")
    );
}
