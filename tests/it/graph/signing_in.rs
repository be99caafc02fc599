//! Each way to sign in, with the real binary against the embedded tenant's endpoints over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use entragit::emulator::{Options, Seed, certificate};
use serde_json::json;

use crate::support::command_line::{Ran, World, hermetic};
use crate::support::serving::{header, serve, token_of};

const PEM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sign-in/certificate.pem");
const CLIENT: &str = "6f9b2a3e-0d57-4a8d-9a5e-1c2b3d4e5f60";

/// Reads one kind, signed in by nothing but `variables`.
fn export(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), world.path());
    let url = world.graph.tenant.url();
    command
        .env("ENTRAGIT_GRAPH_URL", &url)
        .env("ENTRAGIT_AUTHORITY_URL", &url)
        .args(["export", "--kind", "namedLocation"])
        .args(arguments);
    // Nothing of the machine that runs the tests signs in by itself.
    command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9").env("PATH", tools(world));
    command.envs(variables.iter().copied());
    command
}

/// Returns the folder of the programs that the tests put in place of others.
fn tools(world: &World) -> PathBuf {
    let folder = world.path().join(".git/tools");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn program(world: &World, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = tools(world).join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    Ran::of(&export(world, variables, arguments).output().unwrap())
}

/// Returns a token of the embedded tenant, as Azure's own endpoints would hand one out.
async fn granted(world: &World) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret=x&scope={}/.default",
        "https%3A%2F%2Fgraph.microsoft.com"
    );
    world.graph.sign_in(&form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_signs_in_and_another_does_not() {
    let pem = std::fs::read(PEM).unwrap();
    let options = Options { seed: Seed::Contoso, certificate: certificate(&pem), ..Options::default() };
    let world = World::with(options).await;
    let own = [("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_CERTIFICATE_PATH", PEM)];
    run(&world, &own, &[]).ok();
    let chain = [own[0], own[1], ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true")];
    run(&world, &chain, &["--auth", "certificate"]).ok();

    // A PFX file is opened by openssl, which gets the password in its environment and nowhere else.
    world.write("own.pfx", "\u{1}binary");
    let script = format!(
        "case \"$*\" in *hunter2*) exit 9;; esac\n[ \"$ENTRAGIT_PFX_PASSWORD\" = hunter2 ] && exec /bin/cat {PEM}\necho 'Mac verify error' >&2; exit 1"
    );
    program(&world, "openssl", &script);
    let pfx = |password| {
        let variables =
            [own[0], ("AZURE_CLIENT_CERTIFICATE_PATH", "own.pfx"), ("AZURE_CLIENT_CERTIFICATE_PASSWORD", password)];
        run(&world, &variables, &[])
    };
    pfx("hunter2").ok();
    let ran = pfx("wrong").ends(1);
    assert!(ran.err.contains("Mac verify error") && !ran.err.contains("wrong"), "{}", ran.err);

    let text = String::from_utf8(pem).unwrap();
    let (_, certificate) = text.split_once("-----END PRIVATE KEY-----\n").unwrap();
    world.write("no-key.pem", certificate);
    let ran = run(&world, &[own[0], ("AZURE_CLIENT_CERTIFICATE_PATH", "no-key.pem")], &[]).ends(1);
    assert!(ran.err.contains("no-key.pem: it holds no private key in PEM"), "{}", ran.err);

    let options = Options { seed: Seed::Contoso, certificate: Some(b"another".to_vec()), ..Options::default() };
    let other = World::with(options).await;
    let ran = run(&other, &own, &[]).ends(1);
    assert!(ran.err.contains("AADSTS700027") && ran.err.contains("Upload the certificate"), "{}", ran.err);
}

/// Returns an application of the tenant that trusts another issuer, with that issuer and its subject.
async fn trusting(world: &World) -> [String; 3] {
    for app in world.graph.pages("/v1.0/applications").await {
        let path = format!("/v1.0/applications/{}/federatedIdentityCredentials", app["id"].as_str().unwrap());
        if let Some(record) = world.graph.pages(&path).await.first() {
            return [&app["appId"], &record["issuer"], &record["subject"]]
                .map(|text| text.as_str().unwrap().to_owned());
        }
    }
    panic!("no application trusts another issuer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_an_issuer_that_the_application_trusts_signs_in() {
    let world = World::new().await;
    let [client, issuer, subject] = trusting(&world).await;
    let end = jiff::Timestamp::now().as_second() + 300;
    let claims = |subject: &str, end: i64| json!({"iss": issuer, "sub": subject, "aud": "api://AzureADTokenExchange", "exp": end});
    let good = token_of(&claims(&subject, end));
    world.write("token", &format!("{good}\n"));
    run(&world, &[("AZURE_CLIENT_ID", &client), ("AZURE_FEDERATED_TOKEN_FILE", "token")], &[]).ok();
    run(&world, &[("AZURE_CLIENT_ID", &client), ("ENTRAGIT_FEDERATED_TOKEN", &good)], &[]).ok();

    for (claims, number, advice) in [
        (claims("repo:else/where:ref:refs/heads/main", end), "AADSTS700213", "exactly this subject"),
        (claims(&subject, end - 600), "AADSTS700024", "this machine's clock"),
        (
            json!({"iss": "https://elsewhere.example", "sub": subject, "aud": "api://AzureADTokenExchange"}),
            "AADSTS700211",
            "this issuer",
        ),
        (json!({"iss": issuer, "sub": subject, "aud": "https://elsewhere.example"}), "AADSTS700212", "the audience"),
    ] {
        let token = token_of(&claims);
        let ran = run(&world, &[("AZURE_CLIENT_ID", &client), ("ENTRAGIT_FEDERATED_TOKEN", &token)], &[]).ends(1);
        assert!(ran.err.contains(number) && ran.err.contains(advice), "{number}: {}", ran.err);
        assert!(!ran.err.contains(&token), "{}", ran.err);
    }

    let given = good.clone();
    let github = serve(move |request| {
        let asked = request.uri().query().unwrap_or_default().to_owned();
        match (header(&request, "authorization"), asked.as_str()) {
            ("bearer runner-token", "v=2&audience=api%3A%2F%2FAzureADTokenExchange") => (200, json!({"value": given})),
            _ => (403, json!({})),
        }
    })
    .await;
    let url = format!("{github}/token?v=2");
    let job = |token| {
        [
            ("AZURE_CLIENT_ID", client.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &url),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token),
        ]
    };
    run(&world, &job("runner-token"), &[]).ok();
    let ran = run(&world, &job("another"), &[]).ends(1);
    assert!(ran.err.contains("`permissions: id-token: write`"), "{}", ran.err);

    let pipelines = serve(move |request| {
        let asked = request.uri().query().unwrap_or_default().to_owned();
        let (authorization, redirect) = (header(&request, "authorization"), header(&request, "x-tfs-fedauthredirect"));
        match (request.method().as_str(), authorization, redirect, asked.as_str()) {
            ("POST", "Bearer job-token", "Suppress", "api-version=7.1&serviceConnectionId=connection") => {
                (200, json!({"oidcToken": good}))
            }
            _ => (401, json!({})),
        }
    })
    .await;
    let job = [
        ("AZURESUBSCRIPTION_CLIENT_ID", client.as_str()),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "connection"),
        ("SYSTEM_OIDCREQUESTURI", &pipelines),
        ("SYSTEM_ACCESSTOKEN", "job-token"),
    ];
    run(&world, &job, &[]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_identity_signs_in() {
    let world = World::new().await;
    let token = granted(&world).await;
    let resource = format!("resource={}", world.graph.tenant.url().replace(':', "%3A").replace('/', "%2F"));
    let (given, asked) = (token.clone(), resource.clone());
    let machine = serve(move |request| {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let whole = request.uri().path() == "/metadata/identity/oauth2/token" && header(&request, "metadata") == "true";
        match whole && query.contains(&asked) && !query.contains("client_id=absent") {
            true => (200, json!({"access_token": given, "expires_in": "3599", "token_type": "Bearer"})),
            false => (400, json!({"error": "invalid_request", "error_description": "Identity not found"})),
        }
    })
    .await;
    let own = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", machine.as_str())];
    run(&world, &own, &[]).ok();
    let ran = run(&world, &own, &["--auth", "managed-identity", "--client-id", "absent"]).ends(1);
    assert!(ran.err.contains("has no such identity: Identity not found"), "{}", ran.err);

    let service = serve(move |request| match header(&request, "x-identity-header") {
        "app-service" => {
            let end = jiff::Timestamp::now().as_second() + 3599;
            (200, json!({"access_token": token, "expires_on": end.to_string()}))
        }
        _ => (400, json!({"message": "a header is missing"})),
    })
    .await;
    run(&world, &[("IDENTITY_ENDPOINT", &service), ("IDENTITY_HEADER", "app-service")], &[]).ok();
    let ran =
        run(&world, &[("IDENTITY_ENDPOINT", "https://elsewhere.example/"), ("IDENTITY_HEADER", "x")], &[]).ends(1);
    assert!(ran.err.contains("neither on this machine nor link-local"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tools_sign_in_and_what_was_tried_is_said() {
    let world = World::new().await;
    let ran = run(&world, &[], &[]).ends(1);
    for said in [
        "nothing to sign in with",
        "no managed identity answers",
        "`az` is not installed",
        "`azd` is not installed",
        "demo",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    let token = granted(&world).await;
    let answer = json!({"token": token, "expiresOn": "2099-01-01T00:00:00Z"});
    program(&world, "azd", &format!("[ \"$1 $2\" = 'auth token' ] || exit 2\necho '{answer}'"));
    run(&world, &[], &[]).ok();
    program(&world, "az", "echo 'ERROR: Please run az login to setup account.' >&2; exit 1");
    let ran = run(&world, &[], &["--auth", "azure-cli"]).ends(1);
    assert!(
        ran.err.contains("`az` refuses: ERROR: Please run az login") && ran.err.contains("`az login`"),
        "{}",
        ran.err
    );
    let tenant = world.graph.tenant.tenant_id();
    let answer = json!({"accessToken": token, "expires_on": 4_070_908_800_i64});
    program(&world, "az", &format!("case \"$*\" in *'--tenant {tenant}'*) ;; *) exit 2;; esac\necho '{answer}'"));
    run(&world, &[("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")], &[]).ok();
    let ran = run(&world, &[("AZURE_TOKEN_CREDENTIALS", "VisualStudioCredential")], &[]).ends(1);
    assert!(ran.err.contains("names no way that entragit has"), "{}", ran.err);
}

/// Runs the command, hands each line that it says to `see`, and returns how it ended.
fn watched(mut command: Command, mut see: impl FnMut(&str)) -> i32 {
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        see(&line.unwrap());
    }
    child.wait().unwrap().code().unwrap()
}

/// Requests an address as a browser does, and follows where it is sent.
fn visit(address: &str) -> String {
    let address = address.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
            client.get(address).send().await.unwrap().text().await.unwrap()
        })
    })
    .join()
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_a_code_or_in_the_browser() {
    let world = World::new().await;
    let command = export(&world, &[], &["--auth", "device-code"]);
    let mut typed = false;
    let code = watched(command, |line| {
        if let Some((_, rest)) = line.split_once("to sign in, open ") {
            let (page, code) = rest.split_once(" on any device and type the code ").unwrap();
            assert!(visit(&format!("{page}?user_code={code}")).contains("You are signed in"));
            typed = true;
        }
    });
    assert_eq!((code, typed), (0, true));

    let command = export(&world, &[("BROWSER", "/bin/true")], &["--auth", "browser", "--client-id", CLIENT]);
    let mut came_back = String::new();
    let code = watched(command, |line| {
        if let Some((_, page)) = line.split_once("if none opens, go to ") {
            came_back = visit(page);
        }
    });
    assert_eq!((code, came_back.as_str()), (0, "You are signed in. You can close this window."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_tenant_secret_or_cloud_is_told_with_what_to_do() {
    let tenant = "11111111-2222-4333-8444-555555555555";
    let options = Options { tenant: Some(tenant.into()), secret: Some("s".into()), ..Options::default() };
    let world = World::with(options).await;
    let secret = |secret| [("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", secret)];
    run(&world, &secret("s"), &[]).ok();
    let ran = run(&world, &secret("wrong-one"), &[]).ends(1);
    assert!(ran.err.contains("AADSTS7000215") && ran.err.contains("not its id"), "{}", ran.err);
    let ran = run(&world, &secret("s"), &["--tenant", "elsewhere.example"]).ends(1);
    assert!(ran.err.contains("AADSTS90002") && ran.err.contains("--cloud usgov"), "{}", ran.err);
    let ran = run(&world, &[("AZURE_CLIENT_ID", CLIENT)], &["--auth", "workload"]).ends(1);
    assert!(ran.err.contains("--auth workload needs AZURE_CLIENT_ID and another issuer's token"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_is_missing_and_how_to_get_it() {
    let world = World::new().await;
    let said = world.run(&["doctor", "--json"]).ends(2).json();
    assert!(said["kinds"].as_array().unwrap().iter().all(|kind| kind["readable"] == true && kind["writable"] == true));
    assert_eq!(said["needlessPermissions"], json!([]));

    let roles = ["Policy.Read.All", "Mail.Send"].map(str::to_owned).to_vec();
    let world = World::with(Options { roles: Some(roles), ..Options::default() }).await;
    world.git(&["remote", "add", "origin", "/nowhere"]);
    let ran = world.run(&["doctor"]).ends(1);
    for line in [
        "✗ remote       origin: ",
        "  sign-in      application \"Entragit\" (test), with the client secret of application test",
        "  clock        as Microsoft Graph's",
        "✗ reading      ",
        "  writing      there are permissions to write no kind: right for export, not enough for `apply`",
        "! too much     no kind needs Mail.Send",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    let remedy = ran.out.lines().find(|line| line.contains("--permissions read --format az")).unwrap();
    assert!(remedy.contains(" user ") && !remedy.contains("conditionalAccessPolicy"), "{remedy}");
    let ran = Ran::of(&export(&world, &[], &[]).args(["--auth", "secret"]).output().unwrap()).ends(1);
    assert!(ran.err.contains("--auth secret needs AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"), "{}", ran.err);
}
