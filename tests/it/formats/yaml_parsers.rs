//! Parsers that nobody here wrote read the same from the canonical bytes: PyYAML (YAML 1.1) and js-yaml (YAML 1.2).

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use entragit::format::{emit, yaml};
use serde_json::{Map, Value, json};

/// Strings that some parser takes, or once took, for something else.
#[rustfmt::skip]
const NASTY: &[&str] = &[
    "", " ", "  ", " x", "x ", "\t", "\tx", "x\ty", "\n", "a\nb", "a\n", "\na", "a\n\n", "\t\nb", "a\r\nb", "\r",
    "a\u{85}b", "y", "Y", "n", "N", "yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
    "true", "True", "TRUE", "tRUE", "false", "False", "FALSE", "null", "Null", "NULL", "nil", "~", "none", "None",
    "nan", "NaN", ".nan", ".NaN", ".inf", "-.inf", "+.inf", "inf", "Infinity", "-Infinity", "0", "-0", "+0", "00",
    "0123", "0o17", "0x1F", "-0x1F", "0b11", "1_000", "1,000", "1.", ".5", "-.5", "1.5", "1e3", "1E3", "1.0e3",
    "1.0e+3", "1e+3", "+1", "-1", "- 1", "12:30", "12:30:45", "190:20:30.15", "1:2", "a1:2", "2024-01-01", "2024-1-1",
    "2024-01-01T00:00:00Z", "2024-01-01 00:00:00", "2001-12-14t21:59:43.10-05:00", "=", "<<", "<", "<<<<<<< HEAD",
    "=======", ">>>>>>> b", "-", "--", "---", "--- a", "...", "- a", "-a", "?", "? a", "?a", ":", ":a", "a:", "a: b",
    "a:b", "a :b", "http://x/y?z=1#w", "::1", "2001:db8::/32", "10.0.0.0/8", "1.2.3.4", "#", "#a", "a#b", "a #b",
    "a# b", "&a", "*a", "!a", "!!str a", "|", "|a", ">", ">a", "%a", "%YAML 1.2", "@a", "@odata.type", "`a", "'",
    "''", "'a'", "it's", "\"", "\"a\"", "\\", "\\n", "a\\", "[", "]", "[a]", "{", "}", "{a: b}", "a, b", ",", "a]",
    "a}", "a [b]", "a {b}", "\0", "a\0b", "\u{7}", "\u{1b}[31m", "\u{7f}", "\u{80}", "\u{9f}", "\u{a0}",
    "\u{a0}x\u{a0}", "\u{ad}", "é", "e\u{301}", "\u{301}", "Ωmega", "日本語", "שלום", "👩‍💻", "\u{1f600}", "\u{200b}",
    "\u{200d}", "\u{2028}", "a\u{2029}b", "\u{202e}abc", "\u{2066}x\u{2069}", "\u{feff}", "\u{feff}a", "\u{fffd}",
    "\u{fffe}", "\u{ffff}", "\u{e000}", "\u{e0041}", "\u{f0000}", "\u{10ffff}", "\u{d7ff}",
    "0b1c2d3e-0000-4000-8000-000000000001", "00000000-0000-0000-0000-000000000000",
    "12345678-1234-1234-1234-123456789012", "1234567e-1234-1234-1234-123456789012", "C:\\Users", "a@b.c",
    "user.department -eq \"IT\" -and (user.country -in [\"DE\"])", "#microsoft.graph.group",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "AAECAwQFBgc=", "P90D", "PT1H", "id",
    "displayName",
];

fn corpus() -> Map<String, Value> {
    let long = "long ".repeat(40_000);
    let all: Vec<&str> = NASTY.iter().copied().chain([long.as_str()]).collect();
    let keys: Map<String, Value> = NASTY.iter().map(|text| ((*text).to_owned(), json!({ *text: [text] }))).collect();
    let long_key = "k: \u{202e}".repeat(300);
    let numbers = json!([
        0,
        -1,
        1,
        i64::MIN,
        i64::MAX,
        u64::MAX,
        0.0,
        -0.0,
        1.0,
        1.5,
        -1.5,
        1e16,
        1e21,
        -1e21,
        1.25e-7,
        5e-324,
        1.797_693_134_862_315_7e308,
        123_456_789.125,
        true,
        false,
        null
    ]);
    let value = json!({
        "id": "0b1c2d3e-0000-4000-8000-000000000001",
        "values": all.iter().enumerate().map(|(n, text)| (format!("v{n}"), json!(text))).collect::<Map<_, _>>(),
        "keys": keys,
        "list": all,
        "maps": all.iter().map(|text| json!({"a": text, "id": text, "z": [[text], {}, [], {"b": {"c": text}}]})).collect::<Vec<_>>(),
        "numbers": numbers,
        "long": [{ long_key.clone(): 1 }, { long_key.clone(): { "a": { long_key: [1] } } }],
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Every string has a comment behind it, as hostile as can be.
fn comments(value: &Value, pointer: &str, all: &mut BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            all.insert(pointer.to_owned(), format!("{text}\n- \"'&\u{202e}"));
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                comments(element, &format!("{pointer}/{index}"), all);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                comments(value, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        _ => {}
    }
}

fn documents() -> (Map<String, Value>, [Vec<u8>; 2]) {
    let corpus = corpus();
    let mut behind = BTreeMap::new();
    comments(&Value::Object(corpus.clone()), "", &mut behind);
    let bytes = [emit::write(&corpus, &BTreeMap::new()), emit::write(&corpus, &behind)];
    (corpus, bytes)
}

/// What a program prints when it reads `input`; a failure is the test's.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _broken_pipe = writer.join().unwrap();
    assert!(output.status.success(), "{program} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn same(who: &str, read: &[u8], wanted: &Map<String, Value>) {
    let read: Value = serde_json::from_slice(read).unwrap();
    for (name, value) in wanted {
        match (value, &read[name]) {
            (Value::Array(wanted), Value::Array(read)) => assert_eq!(read, wanted, "{who}: {name}"),
            (wanted, read) => assert_eq!(read, wanted, "{who}: {name}"),
        }
    }
    assert_eq!(read, Value::Object(wanted.clone()), "{who}");
}

#[test]
fn our_own_reader_reads_the_corpus() {
    let (corpus, documents) = documents();
    for bytes in documents {
        match yaml::read("corpus.yaml", &bytes) {
            Ok(document) => {
                assert_eq!(document.value, corpus);
                assert_eq!(emit::write(&document.value, &BTreeMap::new()), emit::write(&corpus, &BTreeMap::new()));
            }
            Err(findings) => panic!("{findings:#?}"),
        }
    }
}

#[test]
#[ignore = "needs python3 with PyYAML (pip install pyyaml)"]
fn pyyaml_reads_the_corpus() {
    const SCRIPT: &str = "import json, sys\n\
        try:\n    import yaml\n\
        except ImportError:\n    sys.exit('PyYAML is missing: pip install pyyaml')\n\
        loader = getattr(yaml, sys.argv[1], None) or sys.exit('this PyYAML has no ' + sys.argv[1])\n\
        value = yaml.load(sys.stdin.buffer.read(), loader)\n\
        sys.stdout.buffer.write(json.dumps(value, allow_nan=False).encode())\n";
    let (corpus, documents) = documents();
    for bytes in documents {
        for loader in ["SafeLoader", "CSafeLoader"] {
            same(loader, &run("python3", &["-c", SCRIPT, loader], &bytes), &corpus);
        }
    }
}

/// Texts of the kind that a hand, a merge or an attacker makes: fragments of YAML in any order.
fn texts(count: usize) -> Vec<String> {
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "a", "b", "id", "key", " ", "  ", "    ", "\n", "\n", "\n  ", "\n    ", "\n- ", "\n  - ", ": ", ": ", ":", ":\n", "- ", "-",
        "? ", "?", "\"", "\"", "'", "'", "''", "\\", "\\\"", "[", "]", "{", "}", ", ", ",", "&x ", "&x", "*x", "*x ", "!t ", "!!str ",
        "<<", "<<: ", "# ", " #c", "#", "|", "|\n", ">-\n", "|2\n", "---", "--- ", "\n---\n", "...", "%YAML 1.1\n", "@", "`", "1", "0x1f",
        "no", "1e3", "2024-01-01", "~", "true", "\t", "é", "\u{202e}", "\na: ", "\nb: ", "\nc: [", "\nd: {", "\ne: \"", "\nf: '",
        "\n\"g\": ", "\n'h' : ", "\n? i\n: ", "text of words", "it's", "x'y", "x \"y",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let mut text = || {
        let mut text = String::from(if random.bool() { "a: " } else { "" });
        for _ in 0..random.usize(1..14) {
            text.push_str(PIECES[random.usize(..PIECES.len())]);
        }
        text
    };
    (0..count).map(|_| text()).collect()
}

#[test]
#[ignore = "needs python3 with PyYAML (pip install pyyaml)"]
fn pyyaml_reads_the_corpus_of_hand_edits_alike() {
    const SCRIPT: &str = r#"
import json, sys
try:
    import yaml
except ImportError:
    sys.exit('PyYAML is missing: pip install pyyaml')
answers = []
for text in json.load(sys.stdin):
    answer = {}
    try:
        events = list(yaml.parse(text, yaml.CSafeLoader))
        answer['odd'] = (any(isinstance(e, yaml.AliasEvent) or getattr(e, 'anchor', None) or getattr(e, 'tag', None) for e in events)
            or sum(isinstance(e, yaml.DocumentStartEvent) for e in events) != 1)
        answer['value'] = json.dumps(yaml.load(text, yaml.SafeLoader))
    except Exception as error:
        answer['error'] = str(error)
    answers.append(answer)
json.dump(answers, sys.stdout)
"#;
    let texts = texts(200_000);
    let read: Vec<(&String, Value)> = texts
        .iter()
        .filter_map(|text| Some((text, Value::Object(yaml::read("f.yaml", text.as_bytes()).ok()?.value))))
        .collect();
    assert!(read.len() > 5_000, "only {} texts are fit to compare", read.len());
    let input = serde_json::to_vec(&read.iter().map(|(text, _)| text).collect::<Vec<_>>()).unwrap();
    let answers: Vec<Value> = serde_json::from_slice(&run("python3", &["-c", SCRIPT], &input)).unwrap();
    let mut refused = 0;
    for ((text, ours), answer) in read.iter().zip(&answers) {
        assert_ne!(answer["odd"], json!(true), "an anchor, a tag or a document slipped through: {text:?} is {ours}");
        match answer["value"].as_str() {
            Some(theirs) => assert_eq!(&serde_json::from_str::<Value>(theirs).unwrap(), ours, "{text:?}"),
            None => {
                refused += 1;
                println!("PyYAML refuses {text:?}: {}", answer["error"]);
            }
        }
    }
    println!("{} of {} texts let in, {refused} of them refused by PyYAML", read.len(), texts.len());
    assert!(refused * 20 < read.len());
}

#[test]
#[ignore = "needs node with js-yaml (NODE_PATH=…/node_modules)"]
fn js_yaml_reads_the_corpus() {
    // Numbers that JavaScript cannot hold come back as doubles.
    const SCRIPT: &str = "const fs = require('fs'); const text = fs.readFileSync(0, 'utf8');\n\
        process.stdout.write(JSON.stringify(require('js-yaml').load(text)));";
    if Command::new("node")
        .args(["-e", "require('js-yaml')"])
        .stderr(Stdio::null())
        .status()
        .map_or(true, |status| !status.success())
    {
        println!("NOT TESTED: js-yaml is missing; npm install js-yaml, and set NODE_PATH to its node_modules");
        return;
    }
    let (mut corpus, _) = documents();
    corpus.remove("numbers");
    let mut behind = BTreeMap::new();
    comments(&Value::Object(corpus.clone()), "", &mut behind);
    for bytes in [emit::write(&corpus, &BTreeMap::new()), emit::write(&corpus, &behind)] {
        same("js-yaml", &run("node", &["-e", SCRIPT], &bytes), &corpus);
    }
}

#[test]
#[ignore = "a measurement: run it with --release and --nocapture"]
fn speed_of_writing_and_reading() {
    let user = |n: usize| {
        json!({
            "id": format!("{n:08x}-0000-4000-8000-{n:012x}"), "displayName": format!("Ada Lovelace {n}"),
            "userPrincipalName": format!("ada.lovelace.{n}@contoso.onmicrosoft.com"), "accountEnabled": true,
            "businessPhones": ["+49 30 123456"], "city": "Berlin", "companyName": "Contoso AG", "country": "Germany",
            "department": "Research & Development", "employeeId": format!("{n:06}"), "givenName": "Ada",
            "jobTitle": "Software engineer", "mail": format!("ada.lovelace.{n}@contoso.com"), "mailNickname": "ada.lovelace",
            "manager": format!("{:08x}-0000-4000-8000-{:012x}", n / 7, n / 7), "officeLocation": "B4/2.17",
            "postalCode": "10117", "preferredLanguage": "de-DE", "surname": "Lovelace", "usageLocation": "DE",
            "userType": "Member", "otherMails": [], "onPremisesExtensionAttributes": {"extensionAttribute1": "no"},
        })
    };
    let users: Vec<Map<String, Value>> = (0..50_000).map(user).filter_map(|user| user.as_object().cloned()).collect();
    let empty = BTreeMap::new();
    let begin = std::time::Instant::now();
    let files: Vec<Vec<u8>> = users.iter().map(|user| emit::write(user, &empty)).collect();
    let seconds = begin.elapsed().as_secs_f64();
    let megabytes = files.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;
    println!("write {:.0} MB/s, {:.0} objects/s", megabytes / seconds, 50_000.0 / seconds);
    let begin = std::time::Instant::now();
    let read = files.iter().filter(|bytes| yaml::read("x.yaml", bytes).is_ok()).count();
    let seconds = begin.elapsed().as_secs_f64();
    println!("read {:.0} MB/s, {:.0} objects/s", megabytes / seconds, 50_000.0 / seconds);
    assert_eq!(read, files.len());
    let members: Vec<String> = (0..500_000).map(|n| format!("{n:08x}-0000-4000-8000-{n:012x}")).collect();
    let group = json!({"id": "g", "displayName": "Everybody", "members": members});
    let bytes = emit::write(group.as_object().unwrap(), &empty);
    let begin = std::time::Instant::now();
    let document = yaml::read("g.yaml", &bytes).unwrap();
    println!("a group of 500,000: {} MB read in {:.1} s", bytes.len() / 1_000_000, begin.elapsed().as_secs_f64());
    let begin = std::time::Instant::now();
    let lines: usize = (0..1000).map(|n| document.position_of(&format!("/members/{n}")).line).sum();
    println!("1,000 lines found in {:.2} s", begin.elapsed().as_secs_f64());
    assert_eq!(lines, (0..1000).map(|n| n + 4).sum::<usize>());
}
