//! The same over the whole way: files of a repository, the embedded tenant, the command line.

use entragit::emulator::contoso::names;

use crate::support::command_line::World;

const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";

/// The one file under `folder` that has all of `words`.
fn file(world: &World, folder: &str, words: &[&str]) -> String {
    let all = world.git(&["ls-files", folder]);
    let text = |path: &str| std::fs::read_to_string(world.path().join(path)).unwrap();
    let found = all.lines().find(|path| words.iter().all(|word| text(path).contains(word)));
    found.unwrap_or_else(|| panic!("{folder}: {words:?}")).to_owned()
}

fn edit(world: &World, path: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(world.path().join(path)).unwrap();
    assert!(text.contains(from), "{path} lacks {from}: {text}");
    world.write(path, &text.replacen(from, to, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn power_in_the_files_of_a_commit_is_refused() {
    let world = World::exported().await;
    let priya = names::ADMINISTRATOR_ID;
    let schedule = "memberType: Direct\nscheduleInfo:\n  expiration:\n    type: noExpiration\n  startDateTime: \"2026-01-01T00:00:00Z\"\n";
    world.write(
        "roles/eligibility-schedules/new.yaml",
        &format!("id: new:eligible\ndirectoryScopeId: /\nprincipalId: {priya}\nroleDefinitionId: {GLOBAL}\n{schedule}"),
    );
    let admins = file(&world, "groups", &["displayName: \"Role: Global Administrators\""]);
    let admins = std::fs::read_to_string(world.path().join(admins)).unwrap();
    let admins = admins.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    world.write(
        "groups-privileged/eligibility-schedules/new.yaml",
        &format!("id: new:place\naccessId: member\ngroupId: {admins}\nprincipalId: {priya}\n{schedule}"),
    );
    let defaults = "policies/authorization-policy.yaml";
    edit(&world, defaults, "microsoft-user-default-low", "microsoft-user-default-legacy");
    let care = file(&world, "roles/definitions", &["Group Care"]);
    let task = "microsoft.directory/groups.security/members/update";
    let more = format!("{task}\n      - microsoft.directory/servicePrincipals/credentials/update");
    edit(&world, &care, task, &more);
    let domain = file(&world, "organization/domains", &["rejectMfaByFederatedIdp"]);
    edit(&world, &domain, "rejectMfaByFederatedIdp", "acceptIfMfaDoneByFederatedIdp");
    let settings = file(&world, "roles/settings", &[GLOBAL]);
    edit(&world, &settings, "maximumDuration: PT8H", "maximumDuration: P1D");
    edit(&world, "cross-tenant/default.yaml", "isMfaAccepted: false", "isMfaAccepted: true");
    let tomasz = file(&world, "users", &[&format!("id: {}", names::SECOND_ADMINISTRATOR_ID)]);
    let text = std::fs::read_to_string(world.path().join(&tomasz)).unwrap();
    world
        .write(&tomasz, &format!("{text}authorizationInfo:\n  certificateUserIds:\n    - X509:<PN>evil@contoso.com\n"));
    world.commit("Power");

    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    for clause in [
        r#"makes "Priya Raman" eligible for Global Administrator"#,
        r#"makes "Priya Raman" eligible as a member of "Role: Global Administrators", which may hold roles"#,
        "lets people consent under the policy microsoft-user-default-legacy",
        r#""Group Care", which somebody holds, permits microsoft.directory/serviceprincipals/credentials/update"#,
        r#""plant.contoso.com" takes its identity provider's word for multifactor authentication"#,
        r#""Global Administrator" can be held for P1D instead of PT8H when it is activated"#,
        "accepts multifactor authentication as another tenant tells it",
        r#"(Privileged Role Administrator) can sign in with another certificate"#,
    ] {
        assert!(ran.err.contains(clause), "{clause}: {}", ran.err);
    }
}
