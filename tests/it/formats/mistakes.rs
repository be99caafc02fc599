//! Mistakes that people make in YAML: each is found by `validate`, at its place and with what would be right.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::World;

/// A sound file that a person wrote: its folder, and its text without the id.
type Sound = (&'static str, &'static str);

const POLICY: Sound = (
    "conditional-access/policies",
    "displayName: CA900 From here
conditions:
  applications:
    includeApplications:
      - All
  clientAppTypes:
    - all
  users:
    excludeGroups:
      - d0d2c362-4938-4b0b-9f10-2c8306b43634
    includeUsers:
      - All
grantControls:
  builtInControls:
    - mfa
  operator: OR
state: enabledForReportingButNotEnforced
",
);

const GROUP: Sound = (
    "groups",
    "displayName: New group
description: For trying things.
mailEnabled: false
mailNickname: new-group
securityEnabled: true
members:
  - 1fcaa7fe-4fc0-4983-9488-7fd54a92f310
",
);

const LOCATION: Sound = (
    "conditional-access/named-locations",
    r##""@odata.type": "#microsoft.graph.ipNamedLocation"
displayName: New location
ipRanges:
  - "@odata.type": "#microsoft.graph.iPv4CidrRange"
    cidrAddress: 192.0.2.0/24
isTrusted: false
"##,
);

const APPLICATION: Sound = (
    "applications",
    "displayName: New app
signInAudience: AzureADMyOrg
web:
  redirectUris:
    - https://new.contoso.com/back
api:
  oauth2PermissionScopes:
    - id: 0f1cc0a2-4ac1-4cd5-8a1d-27dca4c0a3a1
      adminConsentDescription: Read things
      adminConsentDisplayName: Read things
      isEnabled: true
      type: Admin
      value: Things.Read
appRoles:
  - id: 1f1cc0a2-4ac1-4cd5-8a1d-27dca4c0a3a1
    allowedMemberTypes:
      - User
    description: Reader
    displayName: Reader
    isEnabled: true
    value: Reader
",
);

const USER: Sound = (
    "users",
    "displayName: New User
accountEnabled: true
mailNickname: new.user
userPrincipalName: new.user@contoso.com
usageLocation: DE
",
);

const ASSIGNMENT: Sound = (
    "roles/assignments",
    "directoryScopeId: /
principalId: 0d571591-2e37-4104-a3aa-864bae3ead8a
roleDefinitionId: 2b5428fb-f8e3-40c9-a751-b784ccaf8eeb
",
);

const ROLE: Sound = (
    "roles/definitions",
    "displayName: New role
description: Custom.
isEnabled: true
rolePermissions:
  - allowedResourceActions:
      - microsoft.directory/applications/basic/read
",
);

const STRENGTH: Sound = (
    "conditional-access/authentication-strengths",
    "displayName: New strength
allowedCombinations:
  - fido2
",
);

/// What is the matter, the file it happens to, and the edit: a part of the text, and what stands there instead.
const MISTAKES: &[(&str, Sound, &str, &str)] = &[
    ("property misspelt", POLICY, "displayName", "displayNmae"),
    ("nested property misspelt", POLICY, "includeApplications", "includeApplication"),
    ("wrong case of a property", GROUP, "mailEnabled", "mailenabled"),
    ("enum misspelt", POLICY, "enabledForReportingButNotEnforced", "enabledForReportingButNotEnforce"),
    ("enum of another case", POLICY, "state: enabledForReportingButNotEnforced", "state: Enabled"),
    ("enum in list misspelt", POLICY, "    - mfa", "    - mfaa"),
    ("enum in list of another property", POLICY, "  clientAppTypes:\n    - all", "  clientAppTypes:\n    - All"),
    ("operator misspelt", POLICY, "operator: OR", "operator: Or"),
    ("operator XOR", POLICY, "operator: OR", "operator: XOR"),
    ("tab as indent", POLICY, "  clientAppTypes:", "	clientAppTypes:"),
    ("wrong indent too deep", POLICY, "  clientAppTypes:", "    clientAppTypes:"),
    ("wrong indent too shallow", POLICY, "    includeUsers:", "  includeUsers:"),
    ("list item without dash", POLICY, "      - All\n  clientAppTypes", "      All\n  clientAppTypes"),
    ("text where list", POLICY, "  clientAppTypes:\n    - all", "  clientAppTypes: all"),
    ("list where text", GROUP, "description: For trying things.", "description:\n  - For trying"),
    ("bool as text", GROUP, "mailEnabled: false", "mailEnabled: \"false\""),
    ("bool as yes", GROUP, "mailEnabled: false", "mailEnabled: no"),
    ("number for text", GROUP, "mailNickname: new-group", "mailNickname: 42"),
    ("missing colon", GROUP, "mailEnabled: false", "mailEnabled false"),
    ("missing space after colon", GROUP, "mailEnabled: false", "mailEnabled:false"),
    ("missing required: displayName", GROUP, "displayName: New group\n", ""),
    ("missing required: mailNickname", GROUP, "mailNickname: new-group\n", ""),
    ("missing required: securityEnabled", GROUP, "securityEnabled: true\n", ""),
    ("neither mail nor security", GROUP, "securityEnabled: true", "securityEnabled: false"),
    ("dynamic without rule", GROUP, "mailEnabled: false", "groupTypes:\n  - DynamicMembership\nmailEnabled: false"),
    (
        "rule without dynamic",
        GROUP,
        "mailEnabled: false",
        "membershipRule: \"user.city -eq \\\"Berlin\\\"\"\nmailEnabled: false",
    ),
    ("duplicate key", GROUP, "mailEnabled: false", "mailEnabled: false\nmailEnabled: true"),
    (
        "duplicate member",
        GROUP,
        "  - 1fcaa7fe-4fc0-4983-9488-7fd54a92f310",
        "  - 1fcaa7fe-4fc0-4983-9488-7fd54a92f310\n  - 1fcaa7fe-4fc0-4983-9488-7fd54a92f310",
    ),
    ("id of nobody", GROUP, "1fcaa7fe-4fc0-4983-9488-7fd54a92f310", "1fcaa7fe-4fc0-4983-9488-7fd54a92f319"),
    ("id of another kind", POLICY, "d0d2c362-4938-4b0b-9f10-2c8306b43634", "037d2b59-a73d-4653-a535-ed474d1a9505"),
    ("name instead of id", POLICY, "d0d2c362-4938-4b0b-9f10-2c8306b43634", "Emergency access"),
    ("upn instead of id", GROUP, "1fcaa7fe-4fc0-4983-9488-7fd54a92f310", "clara.vonarnim@contoso.com"),
    ("id cut short", GROUP, "1fcaa7fe-4fc0-4983-9488-7fd54a92f310", "1fcaa7fe-4fc0-4983-9488"),
    (
        "merge markers",
        GROUP,
        "mailEnabled: false",
        "<<<<<<< HEAD\nmailEnabled: false\n=======\nmailEnabled: true\n>>>>>>> x",
    ),
    ("quote not closed", GROUP, "description: For trying things.", "description: \"For trying things."),
    ("colon in text", GROUP, "description: For trying things.", "description: Note: for trying"),
    ("two documents", GROUP, "mailEnabled: false", "---\nmailEnabled: false"),
    ("anchor", GROUP, "description: For trying things.", "description: &d For trying"),
    ("alias merge", GROUP, "mailEnabled: false", "<<: *d\nmailEnabled: false"),
    (
        "read-only property set",
        GROUP,
        "mailEnabled: false",
        "createdDateTime: \"2026-01-01T00:00:00Z\"\nmailEnabled: false",
    ),
    ("nickname with a space", GROUP, "new-group", "new group"),
    ("nickname too long", GROUP, "new-group", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"),
    (
        "display name too long",
        GROUP,
        "New group",
        "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN",
    ),
    ("visibility wrong", GROUP, "mailEnabled: false", "visibility: private\nmailEnabled: false"),
    ("null", GROUP, "description: For trying things.", "description: null"),
    ("cidr wrong", LOCATION, "192.0.2.0/24", "192.0.2.0/33"),
    ("cidr without prefix", LOCATION, "192.0.2.0/24", "192.0.2.1"),
    ("cidr v6 as v4", LOCATION, "192.0.2.0/24", "2001:db8::/32"),
    ("type missing", LOCATION, "\"@odata.type\": \"#microsoft.graph.ipNamedLocation\"\n", ""),
    ("type misspelt", LOCATION, "ipNamedLocation", "ipNamedLocatoin"),
    ("redirect http", APPLICATION, "https://new.contoso.com/back", "http://new.contoso.com/back"),
    ("redirect no url", APPLICATION, "https://new.contoso.com/back", "new.contoso.com/back"),
    ("audience wrong", APPLICATION, "AzureADMyOrg", "AzureAdMyOrganization"),
    ("member type wrong", APPLICATION, "      - User", "      - Users"),
    ("role id no uuid", APPLICATION, "1f1cc0a2-4ac1-4cd5-8a1d-27dca4c0a3a1", "reader"),
    (
        "same role value twice",
        APPLICATION,
        "    value: Reader\n",
        "    value: Reader\n  - id: 2f1cc0a2-4ac1-4cd5-8a1d-27dca4c0a3a1\n    allowedMemberTypes:\n      - User\n    description: Reader\n    displayName: Reader\n    isEnabled: true\n    value: Reader\n",
    ),
    ("usage location wrong", USER, "usageLocation: DE", "usageLocation: Germany"),
    ("usage location NO unquoted", USER, "usageLocation: DE", "usageLocation: NO"),
    ("upn without at", USER, "new.user@contoso.com", "new.user"),
    ("upn foreign domain", USER, "new.user@contoso.com", "new.user@example.org"),
    ("user without upn", USER, "userPrincipalName: new.user@contoso.com\n", ""),
    ("scope without slash", ASSIGNMENT, "directoryScopeId: /", "directoryScopeId: \"administrativeUnits/1\""),
    ("role id misplaced", ASSIGNMENT, "2b5428fb-f8e3-40c9-a751-b784ccaf8eeb", "0d571591-2e37-4104-a3aa-864bae3ead8a"),
    ("assignment without role", ASSIGNMENT, "roleDefinitionId: 2b5428fb-f8e3-40c9-a751-b784ccaf8eeb\n", ""),
    (
        "role without permissions",
        ROLE,
        "rolePermissions:\n  - allowedResourceActions:\n      - microsoft.directory/applications/basic/read\n",
        "",
    ),
    ("combination wrong", STRENGTH, "fido2", "fido"),
    ("strength empty", STRENGTH, "  - fido2\n", ""),
    ("grant without controls", POLICY, "  builtInControls:\n    - mfa\n", ""),
    ("policy without apps", POLICY, "  applications:\n    includeApplications:\n      - All\n", ""),
    (
        "policy without users",
        POLICY,
        "  users:\n    excludeGroups:\n      - d0d2c362-4938-4b0b-9f10-2c8306b43634\n    includeUsers:\n      - All\n",
        "",
    ),
    ("block with mfa", POLICY, "    - mfa", "    - block\n    - mfa"),
    (
        "frequency without unit",
        POLICY,
        "state:",
        "sessionControls:\n  signInFrequency:\n    isEnabled: true\n    value: 12\nstate:",
    ),
    (
        "frequency as text",
        POLICY,
        "state:",
        "sessionControls:\n  signInFrequency:\n    isEnabled: true\n    type: hours\n    value: twelve\nstate:",
    ),
    ("an invisible character", GROUP, "For trying things.", "For trying things \u{200B}."),
    ("smart quotes", GROUP, "description: For trying things.", "description: “For trying”"),
    (
        "json style trailing comma",
        GROUP,
        "members:\n  - 1fcaa7fe-4fc0-4983-9488-7fd54a92f310",
        "members: [1fcaa7fe-4fc0-4983-9488-7fd54a92f310,,]",
    ),
    ("date wrong", USER, "usageLocation: DE", "employeeHireDate: 15.11.2019\nusageLocation: DE"),
];

/// Files in places where none belongs.
const MISPLACED: &[(&str, &str, &str)] = &[
    ("no such folder", "group/new.yaml", "id: new:lost\n"),
    ("another ending", "groups/new.yml", "id: new:lost\n"),
    ("nothing in it", "groups/empty.yaml", ""),
];

fn path(number: usize, (folder, _): Sound) -> String {
    format!("{folder}/mistake-{number}.yaml")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_is_found_at_its_place() {
    let world = World::exported().await;
    world.run(&["validate"]).ok();
    let sound = [POLICY, GROUP, LOCATION, APPLICATION, USER, ASSIGNMENT, ROLE, STRENGTH];
    for (number, (folder, text)) in sound.iter().enumerate() {
        world.write(&format!("{folder}/sound.yaml"), &format!("id: new:sound-{number}\n{text}"));
    }
    let ran = world.run(&["validate"]).ok();
    assert_eq!(ran.out, "", "the files are sound before");
    for (number, (name, file, old, new)) in MISTAKES.iter().enumerate() {
        assert!(file.1.contains(old), "{name}");
        let text = format!("id: new:mistake-{number}\n{}", file.1.replacen(old, new, 1));
        world.write(&path(number, *file), &text);
    }
    for (_, path, text) in MISPLACED {
        world.write(path, text);
    }
    let document = world.run(&["validate", "--json"]).ends(1).json();
    let mut found: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for finding in document["findings"].as_array().unwrap() {
        found.entry(finding["path"].as_str().unwrap()).or_default().push(finding);
    }
    let mut told = String::new();
    let names = MISTAKES.iter().enumerate().map(|(number, (name, file, ..))| (*name, path(number, *file)));
    for (name, path) in names.chain(MISPLACED.iter().map(|(name, path, _)| (*name, (*path).to_owned()))) {
        let Some(findings) = found.remove(path.as_str()) else { panic!("{name} was not found in {path}") };
        writeln!(told, "{name}").unwrap();
        for finding in findings {
            let text = |name: &str| finding[name].as_str().unwrap();
            let mark = if text("severity") == "error" { "" } else { "?" };
            let place = format!("{}:{}", finding["line"], finding["column"]);
            writeln!(told, "  {place}{mark} {}: {}", text("check"), text("message")).unwrap();
        }
    }
    assert!(found.is_empty(), "nothing else is wrong: {found:#?}");
    insta::assert_snapshot!(told);
    // None of them reaches Graph.
    world.git(&["add", "-A"]);
    world.git(&["commit", "-qm", "Mistakes"]);
    let writes = world.graph.tenant.counts().writes;
    world.run(&["plan", "--to", "HEAD"]).ends(1);
    world.run(&["apply", "--to", "HEAD", "--yes"]).ends(1);
    assert_eq!(world.graph.tenant.counts().writes, writes);
}

/// What Graph let pass stops no other edit of the object, also once the object is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_tenant_has_is_nobodys_mistake() {
    let world = World::new().await;
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&group, json!({"displayName": "x".repeat(257)})).await.0, 204);
    world.run(&["export"]).ok();
    let file = world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
    let text = std::fs::read_to_string(world.path().join(&file)).unwrap();
    let edited = |new: &str| text.replacen("description: ", &format!("description: {new} "), 1);
    world.write(&file, &edited("Mine."));
    let ran = world.run(&["validate"]).ok();
    assert!(ran.out.contains(":2:1: warning[wrong-format]: `displayName`: Graph takes at most 256"), "{}", ran.out);
    world.git(&["checkout", "-q", "--", "."]);
    // An earlier value comes back together with an edit, as in a revert that was merged by hand.
    assert_eq!(world.graph.patch(&group, json!({"displayName": "Short"})).await.0, 204);
    world.run(&["export"]).ok();
    world.git(&["rm", "-q", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
    world.write(&file, &edited("Mine once more."));
    let ran = world.run(&["validate"]).ok();
    assert!(ran.out.contains("warning[wrong-format]"), "{}", ran.out);
    // A person's name for the file makes no mistake of it.
    std::fs::rename(world.path().join(&file), world.path().join("groups/mine.yaml")).unwrap();
    let ran = world.run(&["validate"]).ok();
    assert!(ran.out.contains("groups/mine.yaml:2:1: warning[wrong-format]"), "{}", ran.out);
    world.git(&["reset", "-q", "--hard"]);
    std::fs::remove_file(world.path().join("groups/mine.yaml")).unwrap();
    assert_eq!(world.graph.delete(&group).await.0, 204);
    world.run(&["export"]).ok();
    world.write(&file, &edited("Mine again."));
    let ran = world.run(&["validate"]).ok();
    assert!(ran.out.contains("warning[wrong-format]"), "{}", ran.out);
    world.write(&file, &text.replace("xxx", "yyy"));
    world.run(&["validate"]).ends(1);
}
