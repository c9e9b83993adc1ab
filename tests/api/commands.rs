//! The program as an operator types it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::on_both_databases;
use crate::support::Database;

struct Operator {
    folder: TempDir,
}

impl Operator {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        self.command(arguments).envs(environment.iter().copied()).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATCHBAY_DATABASE_URL", "sqlite:books/patchbay.db");
        command
    }
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn failure(output: &Output) -> String {
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[test]
fn an_operator_opens_an_account_grants_credit_and_makes_a_key() {
    let operator = Operator::new();
    out(&operator.run(&["migrate"]));
    let create = ["user", "create", "--email", "ann@example.org", "--credit", "5"];
    let text = out(&operator.run_with(&create, &[("PATCHBAY_PASSWORD", "a long enough one")]));
    assert!(text.contains("$5.00 is available"), "{text}");
    let taken = operator.run_with(&create, &[("PATCHBAY_PASSWORD", "a long enough one")]);
    assert!(failure(&taken).contains("has an account already"));
    let text = out(&operator.run(&["credit", "grant", "--email", "ann@example.org", "--amount", "2.5"]));
    assert!(text.contains("$7.50 is available"), "{text}");
    assert!(out(&operator.run(&["key", "create", "--email", "ann@example.org"])).starts_with("sk-or-v1-"));
    assert!(failure(&operator.run(&["key", "create", "--email", "bob@example.org"])).contains("bob@example.org"));
    assert!(out(&operator.run(&["ledger", "audit"])).contains("balanced"));
    assert!(out(&operator.run(&["catalog", "list"])).contains("anthropic/claude"));
}

on_both_databases! {
    async fn programs_started_at_once_on_a_new_database_all_find_it_ready(database: Database) {
        let operator = Operator::new();
        let start = |_| {
            let mut command = operator.command(&["migrate"]);
            command.env("PATCHBAY_DATABASE_URL", &database.url);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let started: Vec<_> = (0..4).map(start).collect();
        for child in started {
            assert!(out(&child.wait_with_output().unwrap()).contains("up to date"));
        }
    }
}

#[test]
fn a_wrong_setting_stops_the_start_with_place_and_remedy() {
    let operator = Operator::new();
    std::fs::write(operator.folder.path().join("bad.toml"), "listen = \"127.0.0.1:0\"\n[limits]\nin_fligth = 3\n")
        .unwrap();
    let text = failure(&operator.run(&["--config", "bad.toml", "serve"]));
    for part in ["bad.toml", "line 3", "in_fligth", "in_flight", "Remedy"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let text = failure(&operator.run_with(&["serve"], &[("PATCHBAY_LIMITS__IN_FLIGHT", "0")]));
    assert!(text.contains("limits.in_flight"), "{text}");
    let text = failure(&operator.run_with(&["migrate"], &[("PATCHBAY_DATABASE_URL", "mysql://x")]));
    assert!(text.contains("sqlite:"), "{text}");
}

#[test]
fn the_description_of_the_api_is_printed_as_json() {
    let document: Value = serde_json::from_str(&out(&Operator::new().run(&["openapi"]))).unwrap();
    assert!(document["paths"]["/chat/completions"]["post"].is_object());
}

#[test]
fn an_operator_credits_an_invoice_makes_a_code_and_freezes_an_organization() {
    let operator = Operator::new();
    let create = ["user", "create", "--email", "ann@example.org"];
    out(&operator.run_with(&create, &[("PATCHBAY_PASSWORD", "a long enough one")]));
    let with = |command: &[&str]| {
        let mut words = command.to_vec();
        words.extend(["--email", "ann@example.org"]);
        operator.run(&words)
    };
    let text = out(&with(&["credit", "invoice", "--amount", "1000", "--reason", "2026-17"]));
    assert!(text.contains("Credited $1,000.00; $1,000.00 is available"), "{text}");
    assert!(out(&with(&["credit", "freeze"])).contains("Froze"));
    assert!(out(&with(&["credit", "thaw"])).contains("Thawed"));
    assert!(failure(&with(&["credit", "invoice", "--amount", "0", "--reason", "x"])).contains("more than 0"));
    let promo = ["promo", "create", "autumn-5", "--amount", "5", "--uses", "3"];
    assert!(out(&operator.run(&promo)).contains("AUTUMN-5 gives $5.00 to 3 organizations"));
    assert!(failure(&operator.run(&promo)).contains("AUTUMN-5 cannot be made"));
    assert!(out(&operator.run(&["promo", "list"])).contains("3 left, for ever"));
    assert!(out(&operator.run(&["ledger", "audit"])).contains("no transfer was changed"));
    assert!(out(&operator.run(&["ledger", "rebuild"])).starts_with("Added up 0 requests"));
}
