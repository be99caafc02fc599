//! Microsoft's own Graph SDK for Python against the binary's embedded tenant: a client that nobody here wrote.
//!
//! `pip install -r tests/sdk/requirements.txt` into a virtual environment and name its interpreter in
//! `ENTRAGIT_SDK_PYTHON`; `python3` is taken otherwise.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The server; it ends with the test, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs Microsoft's Graph SDK for Python; .ci/run installs it"]
fn microsofts_sdk_takes_the_embedded_tenant_for_graph() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_entragit"))
        .args(["emulate", "--listen", "127.0.0.1:0", "--seed", "contoso"])
        .stdout(Stdio::piped())
        .spawn()
        .map(Server)
        .unwrap();
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned)).unwrap();

    let python = std::env::var_os("ENTRAGIT_SDK_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/sdk_test.py");
    let output = Command::new(&python)
        // A proxy of the environment has no business between the two.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .arg(&url)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", python.display()));
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "Microsoft's SDK found {}", output.status);
    let last = said.lines().last().unwrap_or_default();
    assert!(last.ends_with(" passed, 0 failed"), "the last line is {last:?}");
}
