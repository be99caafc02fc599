//! Plants secrets in every kind of object, and reads files that somebody made to do harm: no secret may reach a file, and every
//! file is read, or refused, in little time.
//!
//! `cargo run --release --example torture`
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, dead_code, reason = "it prints, and a test reads it")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use entragit::engine::normalize::normalize;
use entragit::engine::{planfile, saved, schema};
use entragit::format::manifest::Manifest;
use entragit::format::settings::Settings;
use entragit::format::{emit, tenant_map, yaml};
use entragit::kinds;
use entragit::model::{Finding, Kind};
use serde_json::{Map, Value, json};

/// Names of properties that hold secrets, as services spell them.
const NAMES: &[&str] = &[
    "accessToken",
    "access_token",
    "accessKey",
    "accountKey",
    "adminPassword",
    "apiKey",
    "api_key",
    "authKey",
    "bearerToken",
    "clientAssertion",
    "clientSecret",
    "client_secret",
    "code",
    "connectionString",
    "cookie",
    "credential",
    "encryptionKey",
    "functionKey",
    "hostKey",
    "idToken",
    "jwt",
    "key",
    "masterKey",
    "newPassword",
    "oneTimePasscode",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "passwordHash",
    "pfx",
    "pkcs12",
    "preSharedKey",
    "privateKey",
    "pwd",
    "refreshToken",
    "sasToken",
    "sasUrlToken",
    "secret",
    "secretText",
    "sharedKey",
    "sig",
    "signingKey",
    "storageKey",
    "subscriptionKey",
    "token",
];

const CANARY: &str = "CNRY";

fn main() {
    let begun = Instant::now();
    let (planted, leaks) = canaries();
    println!("{planted} secrets planted, {} reached a file", leaks.len());
    leaks.iter().for_each(|leak| println!("  {leak}"));
    let (read, faults) = inputs(60_000, Duration::from_secs(1));
    println!("{read} hostile files read, {} took too long or said too much", faults.len());
    faults.iter().for_each(|fault| println!("  {fault}"));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or(" unknown");
    println!("{:.1} s, peak memory {}", begun.elapsed().as_secs_f64(), peak.trim());
    if !(leaks.is_empty() && faults.is_empty()) {
        std::process::exit(1);
    }
}

/// Plants a secret under every name in every kind, at the top, within what no schema knows, and beside credentials. Returns how
/// many, and those that are in the file.
pub fn canaries() -> (usize, Vec<String>) {
    let (mut planted, mut leaks) = (0, Vec::new());
    for kind in kinds::ALL {
        for name in NAMES.iter().filter(|name| schema::of(kind).property(name).is_none()) {
            for (place, value) in places(name) {
                planted += 1;
                let text = exported(kind, value);
                if text.contains(CANARY) {
                    leaks.push(format!("{} {place}: {name}", kind.name));
                }
            }
        }
    }
    (planted, leaks)
}

fn places(name: &str) -> [(&'static str, Map<String, Value>); 3] {
    let secret = || json!(format!("{CANARY}-{name}"));
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    [
        ("at the top", object(json!({name: secret()}))),
        ("nested", object(json!({"settingsOfTomorrow": {"list": [{name: secret(), "displayName": "x"}]}}))),
        ("as credentials", object(json!({"fooCredentials": [{"displayName": "x", "value": secret()}]}))),
    ]
}

/// Returns the file of an object that Graph answered with `more` in it.
fn exported(kind: &'static Kind, more: Map<String, Value>) -> String {
    let mut raw = more;
    raw.insert("id".to_owned(), "00000000-0000-4000-8000-000000000001".into());
    raw.insert("displayName".to_owned(), "Canary".into());
    let object = normalize(kind, raw).object;
    String::from_utf8_lossy(&emit::write(&object.0, &BTreeMap::new())).into_owned()
}

type Reader = (&'static str, fn(&[u8]) -> String);

/// What reads files that come from others, each with what it says of one.
const READERS: &[Reader] = &[
    ("object", |bytes| said(yaml::read("groups/x.yaml", bytes).err())),
    ("entragit.yaml", |bytes| said(Settings::parse("entragit.yaml", bytes).err())),
    ("manifest.yaml", |bytes| said(Manifest::read(bytes).err())),
    ("tenant map", |bytes| said(tenant_map::read("map.yaml", bytes).err())),
    ("plan file", |bytes| planfile::read(bytes).err().unwrap_or_default()),
    ("saved report", |bytes| saved::read(bytes).err().unwrap_or_default()),
];

fn said(findings: Option<Vec<Finding>>) -> String {
    findings.into_iter().flatten().map(|finding| format!("{}: {}\n", finding.check, finding.message)).collect()
}

/// Lets every reader read every hostile file of about `size` repetitions. Returns how many that were, and which took longer than
/// `limit`, said more than a person reads, or let a control character through.
pub fn inputs(size: usize, limit: Duration) -> (usize, Vec<String>) {
    let (mut read, mut faults) = (0, Vec::new());
    for (name, bytes) in hostile(size) {
        for (reader, run) in READERS {
            let begun = Instant::now();
            let said = run(&bytes);
            let took = begun.elapsed();
            read += 1;
            if took > limit {
                faults.push(format!("{reader}, {name}: {:.1} s", took.as_secs_f64()));
            }
            if said.len() > 1_000_000 {
                faults.push(format!("{reader}, {name}: {} bytes of findings", said.len()));
            }
            if said.chars().any(|letter| letter.is_control() && letter != '\n') {
                faults.push(format!("{reader}, {name}: a control character in what is said"));
            }
        }
    }
    (read, faults)
}

/// Files that were made to take time or memory, or to be more than they seem.
fn hostile(size: usize) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, text: String| files.push((name.to_owned(), text.into_bytes()));
    let lines = |line: &dyn Fn(usize) -> String| (0..size).map(line).collect::<String>();
    for (name, open, close) in [
        ("dashes", "- ", ""),
        ("square brackets", "[", "]"),
        ("braces", "{a: ", "}"),
        ("question marks", "? ", ""),
        ("open brackets", "[", ""),
        ("open braces", "{", ""),
        ("quotes", "\"", ""),
        ("apostrophes", "'", ""),
        ("exclamation marks", "!", ""),
        ("ampersands", "&a ", ""),
        ("stars", "*a ", ""),
        ("colons", "a: ", ""),
        ("hashes", "# ", ""),
        ("bars", "|\n ", ""),
        ("spaces", " ", ""),
        ("tabs", "\t", ""),
        ("percent signs", "%", ""),
        ("backslashes", "\\", ""),
        ("documents", "---\n", ""),
        ("ends", "...\n", ""),
    ] {
        add(name, format!("zz:\n  {}x{}\n", open.repeat(size), close.repeat(size)));
        add(&format!("{name} at the top"), format!("{}x{}\n", open.repeat(size), close.repeat(size)));
    }
    add("deeper by the line", lines(&|number| format!("{}a:\n", " ".repeat(number.min(3_000)))));
    add("many keys", lines(&|number| format!("k{number}: 1\n")));
    add("the same key", lines(&|_| "k: 1\n".to_owned()));
    add("many unknown settings", lines(&|number| format!("guard{number}: {{maxDelete: {number}}}\n")));
    add("a chain of ids", format!("ids:\n{}", lines(&|number| format!("  i{number}: i{}\n", number + 1))));
    add(
        "a circle of ids",
        format!("ids:\n{}  i{size}: i0\n", lines(&|number| format!("  i{number}: i{}\n", number + 1))),
    );
    add("many references", format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(size), "*a, ".repeat(size)));
    let laughs = (1..30).map(|n| format!("a{n}: &a{n} [{}]\n", format!("*a{}, ", n - 1).repeat(9)));
    add("laughs", format!("a0: &a0 ha\n{}", laughs.collect::<String>()));
    add("merges", format!("a: &a {{x: 1}}\n{}", lines(&|number| format!("b{number}: {{<<: *a}}\n"))));
    add("a long key", format!("{}: 1\n", "k".repeat(size * 20)));
    add("a long value", format!("displayName: {}\n", "v".repeat(size * 20)));
    add("a long line of text", format!("a: \"{}\"\n", "\\u0041".repeat(size)));
    add("control characters", "\"a\\e[31m\": \"\\x1b]0;x\\a\"\nb\u{7}: 1\n".to_owned());
    add(
        "a control character in a key",
        "{\"unknown\": {\"x\\u001b[31m\": \"complete\"}, \"\\u001b[2J\": 1}".to_owned(),
    );
    add("bidirectional text", "displayName: \"\u{202e}evil\u{2066}\"\n\u{202e}key: 1\n".to_owned());
    add("tags", "a: !!binary x\nb: !!python/object:os.system x\nc: !<tag:yaml.org,2002:null> ''\n".to_owned());
    add("numbers", "a: 1e999999999\nb: 0x7fffffffffffffffffff\nc: .inf\nd: .nan\ne: 1_000\nf: 09\n".to_owned());
    add("json, deep", format!("{}1{}", "{\"a\":".repeat(size), "}".repeat(size)));
    add("json, many steps", format!("{{\"formatVersion\":1,\"steps\":[{}]}}", vec!["{\"number\":1}"; size].join(",")));
    add("nothing", String::new());
    for (name, bytes) in [
        ("no UTF-8", b"id: \xff\xfe\x00\n".to_vec()),
        ("UTF-16", "\u{feff}id: x\n".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte order mark", b"\xef\xbb\xbfid: x\n".to_vec()),
        ("zeros", vec![0; size]),
        ("carriage returns", b"id: x\r".repeat(size)),
        ("half a pair", b"a: \"\\ud800\"\n".to_vec()),
    ] {
        files.push((name.to_owned(), bytes));
    }
    files
}
