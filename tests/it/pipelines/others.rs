//! The pipelines of other hosts, and services: their commands, in order.

use std::path::Path;

use super::Setting;
use crate::cli::{Ran, hermetic};

/// Returns the commands of a pipeline, in order.
fn commands(text: &str) -> Vec<String> {
    let value: serde_yaml::Value = serde_yaml::from_str(text).unwrap();
    let mut found = Vec::new();
    collect(&value, &mut found);
    found
}

fn collect(value: &serde_yaml::Value, found: &mut Vec<String>) {
    match value {
        serde_yaml::Value::Mapping(map) => {
            for (name, value) in map {
                match (name.as_str(), value) {
                    (Some("run" | "inlineScript"), serde_yaml::Value::String(text)) => found.push(text.clone()),
                    (Some("script"), serde_yaml::Value::Sequence(all)) => {
                        found.extend(all.iter().filter_map(|line| line.as_str()).map(str::to_owned));
                    }
                    _ => collect(value, found),
                }
            }
        }
        serde_yaml::Value::Sequence(all) => all.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nightly_pipelines_run_as_printed_two_nights_each() {
    for (name, text) in [
        ("gitlab", include_str!("../../../examples/gitlab-ci/nightly.yml")),
        ("azure", include_str!("../../../examples/azure-pipelines/nightly.yml")),
    ] {
        let setting = Setting::new().await;
        Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
        let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
        let commands = commands(text);
        assert!(commands.iter().any(|line| line.contains("entragit sync")), "{name}: {commands:?}");
        for night in 0..2 {
            setting.group(&format!("{name}-{night}")).await;
            let clone = setting.clone(&format!("{name}-{night}"));
            let like = setting.world.command(&setting.world.graph.tenant.url(), &[]);
            let mut shell = hermetic("sh", &clone);
            shell
                .envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))))
                .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
                .env("AZURESUBSCRIPTION_TENANT_ID", setting.world.graph.tenant.tenant_id());
            // The remote of the test has no host of its own.
            let lines = commands.iter().filter(|line| !line.contains("set-url")).map(String::as_str);
            let ran = Ran::of(&shell.args(["-ec", &lines.collect::<Vec<_>>().join("\n")]).output().unwrap());
            assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
            let there = setting.at_remote("refs/heads/snapshots");
            assert_eq!(there, setting.git(&clone, &["rev-parse", "snapshots"]), "{name}");
            assert!(ran.err.contains("1 added"), "{name}: {}", ran.err);
        }
    }
}
