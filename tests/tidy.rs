//! The house rules, executed: the sources are read, and whatever breaks a rule is
//! listed with its file, its line and the rule.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

/// The longest a file may be, lines.
const LONGEST: usize = 500;

/// The server's modules by floor. What is on a floor may name what is below it.
const FLOORS: [(&str, u8); 20] = [
    ("commands", 4),
    ("demo", 4),
    ("http", 4),
    ("main", 4),
    ("accounts", 3),
    ("billing", 3),
    ("catalog", 3),
    ("gateway", 3),
    ("jobs", 4),
    ("mail", 3),
    ("rankings", 3),
    ("dialects", 2),
    ("flags", 2),
    ("providers", 2),
    ("store", 2),
    ("telemetry", 2),
    ("vault", 2),
    ("clock", 1),
    ("config", 1),
    ("error", 1),
];

/// What may be named although it is not below.
const DOORS: [(&str, &str); 8] = [
    ("flags", "store"),
    ("gateway", "accounts"),
    ("gateway", "billing"),
    ("gateway", "catalog"),
    ("jobs", "billing"),
    ("mail", "accounts"),
    ("providers", "dialects"),
    // The one failure a caller can see shows what a provider complained of.
    ("error", "dialects"),
];

/// The browser half's modules, highest first; `shell` is the document around them.
const STOREYS: [&str; 7] = ["routes", "shell", "pages", "islands", "components", "api", "types"];

/// One line of one file.
struct Line<'a> {
    path: &'a str,
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    /// Without what follows `//`. A URL in a string is cut, too; no rule minds.
    fn code(&self) -> &str {
        self.text.split("//").next().unwrap_or_default()
    }

    fn breaks(&self, rule: &str) -> String {
        format!("{}:{}: {rule}: {}", self.path, self.number, self.text.trim())
    }

    /// The first part of the path below `folder`, without `.rs`.
    fn module(&self, folder: &str) -> Option<&str> {
        let below = self.path.strip_prefix(folder)?;
        below.split('/').next().map(|name| name.trim_end_matches(".rs"))
    }
}

/// A text file of the repository.
struct Source {
    /// From the root, with slashes.
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().zip(1..).map(|(text, number)| Line { path: &self.path, number, text })
    }
}

/// Every text file that is part of the repository.
fn sources() -> Vec<Source> {
    fn read(folder: &Path, root: &Path, found: &mut Vec<Source>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // Hidden, built or installed, not written.
            if name.starts_with('.')
                || ["target", "node_modules", "data", "artefacts", "test-results"].contains(&name.as_str())
            {
                continue;
            }
            if path.is_dir() {
                read(&path, root, found);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let path = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    read(root, root, &mut found);
    assert!(found.len() > 100, "the sources are where they are looked for");
    found
}

/// The lines of Rust files in `folder`.
fn rust_in<'a>(sources: &'a [Source], folder: &str) -> impl Iterator<Item = Line<'a>> {
    sources.iter().filter(move |source| source.is_rust() && source.path.starts_with(folder)).flat_map(Source::lines)
}

/// The modules named behind `prefix`: `crate::store::keys` and `use crate::{…}`.
fn named<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(prefix).filter(|(at, _)| !ends_in_word(&code[..*at])).flat_map(|(at, _)| {
        let rest = &code[at + prefix.len()..];
        let inner = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or(rest);
        let is_list = inner.len() < rest.len();
        inner
            .split(if is_list { ',' } else { '\n' })
            .map(|item| item.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
    })
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Whether `word` is in `text` as a whole word.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !ends_in_word(&text[..at]) && !text[at + word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

fn upward_imports(sources: &[Source]) -> Vec<String> {
    let floor = |module: &str| FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor);
    let mut found = Vec::new();
    for line in rust_in(sources, "src/") {
        let Some(from) = line.module("src/").filter(|module| *module != "lib") else { continue };
        let Some(own) = floor(from) else {
            found.push(line.breaks("a module without a floor"));
            continue;
        };
        if line.code().trim_end().ends_with("crate::{") {
            found.push(line.breaks("one import a line, so that it can be read here"));
        }
        let prefix = if matches!(from, "main" | "commands") { "patchbay::" } else { "crate::" };
        for to in named(line.code(), prefix) {
            let may = match floor(to) {
                Some(floor) => floor < own || from == to || DOORS.contains(&(from, to)) || own == 4,
                // The state of the whole server.
                None if to == "App" => own >= 3,
                None => true,
            };
            if !may {
                found.push(line.breaks(&format!("`{from}` (floor {own}) may not name `{to}`")));
            }
        }
    }
    for line in rust_in(sources, "app/src/") {
        let storey = |module: &str| STOREYS.iter().position(|name| *name == module);
        let Some(from) = line.module("app/src/").and_then(storey) else { continue };
        for to in named(line.code(), "crate::") {
            let is_shell = STOREYS[from] == "shell" || to == "shell";
            if storey(to).is_some_and(|to| to < from) && !is_shell {
                found.push(line.breaks(&format!("`{}` may not name `{to}`", STOREYS[from])));
            }
        }
    }
    found
}

fn sql_outside_the_store(sources: &[Source]) -> Vec<String> {
    let statements = [
        "sqlx::query",
        "sqlx::raw_sql",
        "\"SELECT ",
        "\"INSERT INTO ",
        "\"UPDATE ",
        "\"DELETE FROM ",
        "\"BEGIN",
        "\"SET LOCAL ",
        "\"CREATE ",
        "\"PRAGMA ",
    ];
    let outside = sources.iter().filter(|source| {
        source.is_rust()
            && ["src/", "app/"].iter().any(|folder| source.path.starts_with(folder))
            && !source.path.starts_with("src/store/")
    });
    outside
        .flat_map(Source::lines)
        .filter(|line| statements.iter().any(|statement| line.code().contains(statement)))
        .map(|line| line.breaks("SQL belongs into src/store"))
        .collect()
}

fn waiting_in_dialects(sources: &[Source]) -> Vec<String> {
    rust_in(sources, "src/dialects/")
        .filter(|line| ["async", "await"].iter().any(|word| has_word(line.code(), word)))
        .map(|line| line.breaks("dialects translate and never wait"))
        .collect()
}

fn server_crates_in_app(sources: &[Source]) -> Vec<String> {
    sources
        .iter()
        .filter(|source| source.path.starts_with("app/"))
        .flat_map(Source::lines)
        .filter(|line| ["axum", "tokio", "sqlx"].iter().any(|word| has_word(line.text, word)))
        .map(|line| line.breaks("app/ runs in the browser, too, and names no crate of the server"))
        .collect()
}

fn files_without_a_header_or_an_end(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        if !source.text.starts_with("//!") {
            found.push(format!("{}:1: a file opens with //! and what it is for", source.path));
        }
        let length = source.text.lines().count();
        if length > LONGEST {
            found.push(format!("{}:{length}: a file has at most {LONGEST} lines; make it a folder", source.path));
        }
    }
    found
}

fn loose_ends(sources: &[Source]) -> Vec<String> {
    // Put together, so that this file passes.
    let words = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!"));
    let silences = ["#[", "#!["].map(|start| format!("{start}allow("));
    let mut found = Vec::new();
    for line in rust_in(sources, "") {
        if words.iter().any(|word| has_word(line.code(), word) || line.code().contains(&format!("{word}("))) {
            found.push(line.breaks("nothing is left undone"));
        }
        if silences.iter().any(|silence| line.code().contains(silence)) {
            found.push(line.breaks("a lint is expected with a reason, never allowed"));
        }
    }
    found
}

/// Leptos writes the text of these elements as it is.
fn raw_texts(sources: &[Source]) -> Vec<String> {
    let raw = ["<textarea", "<noscript", "<style", "<script"];
    let written = rust_in(sources, "app/src/")
        .filter(|line| raw.iter().any(|tag| line.text.split(tag).nth(1).is_some_and(|rest| rest.contains(">{"))));
    written.map(|line| line.breaks("text in here is not escaped: give it as inner_html=escape(…)")).collect()
}

fn machine_paths(sources: &[Source]) -> Vec<String> {
    let paths = ["root", "home", "work", "Users"].map(|name| format!("/{name}/"));
    let is_path = |text: &str, path: &str| {
        // `example.org/home/` and `src/home/` are no paths of a machine.
        text.match_indices(path)
            .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/}".contains(c)))
    };
    sources
        .iter()
        .flat_map(Source::lines)
        .filter(|line| paths.iter().any(|path| is_path(line.text, path)))
        .map(|line| line.breaks("a path of somebody's machine"))
        .collect()
}

/// The table of settings as README.md must show it.
fn settings_table(example: &str) -> String {
    let mut rows = vec![
        "| setting | default | environment variable | meaning |".to_owned(),
        "| --- | --- | --- | --- |".to_owned(),
    ];
    let (mut section, mut comment) = (String::new(), Vec::new());
    for line in example.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            comment.clear();
        } else if let Some((key, default)) = line.split_once(" = ") {
            let key = format!("{section}{key}");
            let variable = format!("PATCHBAY_{}", key.replace('.', "__").to_uppercase());
            let meaning = std::mem::take(&mut comment).join(" ").replace('|', "\\|").replace('<', "\\<");
            rows.push(format!("| `{key}` | `{default}` | `{variable}` | {meaning} |"));
        } else {
            comment.clear();
        }
    }
    rows.join("\n")
}

fn pass(broken: &[String]) {
    assert!(broken.is_empty(), "{} places break the rules:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn imports_point_down_the_floors() {
    pass(&upward_imports(&sources()));
}

#[test]
fn sql_is_written_in_the_store_only() {
    pass(&sql_outside_the_store(&sources()));
}

#[test]
fn dialects_never_wait() {
    pass(&waiting_in_dialects(&sources()));
}

#[test]
fn the_browser_half_names_no_crate_of_the_server() {
    pass(&server_crates_in_app(&sources()));
}

#[test]
fn every_file_says_what_it_is_and_is_not_too_long() {
    pass(&files_without_a_header_or_an_end(&sources()));
}

#[test]
fn no_text_is_written_where_it_would_be_markup() {
    pass(&raw_texts(&sources()));
}

#[test]
fn nothing_is_left_undone_and_no_lint_is_silenced() {
    pass(&loose_ends(&sources()));
}

#[test]
fn no_path_of_a_machine_is_in_the_repository() {
    pass(&machine_paths(&sources()));
}

#[test]
fn the_readme_lists_every_setting_as_the_example_file_has_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let table = settings_table(&read("patchbay.example.toml"));
    assert!(table.lines().count() > 15, "{table}");
    assert!(read("README.md").contains(&format!("\n{table}\n\n")), "README.md needs this table of settings:\n{table}");
}

/// What a rule finds in one file.
fn found(rule: fn(&[Source]) -> Vec<String>, path: &str, text: &str) -> usize {
    rule(&[Source::new(path, text)]).len()
}

#[test]
fn the_rules_find_what_breaks_them() {
    assert_eq!(found(upward_imports, "src/store/keys.rs", "use crate::billing::ledger::Hold;"), 1);
    assert_eq!(found(upward_imports, "src/store/keys.rs", "let now = crate::clock::now();"), 0);
    assert_eq!(found(upward_imports, "src/gateway/mod.rs", "use crate::{App, billing, http::router};"), 1);
    assert_eq!(found(upward_imports, "src/gateway/mod.rs", "use crate::{\n    http,\n};"), 1);
    assert_eq!(found(upward_imports, "src/dialects/mod.rs", "use crate::App;"), 1);
    assert_eq!(found(upward_imports, "src/catalog/mod.rs", "use crate::billing::ledger;"), 1);
    assert_eq!(found(upward_imports, "src/attic/mod.rs", "fn a() {}"), 1);
    assert_eq!(found(upward_imports, "app/src/types/money.rs", "use crate::pages::home;"), 1);
    assert_eq!(found(upward_imports, "app/src/pages/home.rs", "use crate::types::money;"), 0);
    assert_eq!(found(sql_outside_the_store, "src/http/keys.rs", "sqlx::query(\"SELECT 1\")"), 1);
    assert_eq!(found(sql_outside_the_store, "src/store/keys.rs", "sqlx::query(\"SELECT 1\")"), 0);
    assert_eq!(found(waiting_in_dialects, "src/dialects/mod.rs", "response.await?;\nasync fn a() {}\n// async"), 2);
    assert_eq!(found(server_crates_in_app, "app/Cargo.toml", "tokio = \"1\""), 1);
    assert_eq!(found(files_without_a_header_or_an_end, "src/a.rs", &"fn a() {}\n".repeat(LONGEST + 1)), 2);
    assert_eq!(found(loose_ends, "src/a.rs", &format!("//! A\n{}!()\n#[{}(dead_code)]", "todo", "allow")), 2);
    let field = "<textarea name=\"a\">{text}</textarea>";
    assert_eq!(found(raw_texts, "app/src/pages/home.rs", field), 1);
    assert_eq!(found(raw_texts, "app/src/pages/home.rs", &field.replace(">{text}", " inner_html=escape(&text)>")), 0);
    assert_eq!(found(machine_paths, "README.md", &format!("see /{}/ann/x, https://a.example/{0}/ and ~/x", "home")), 1);
    assert_eq!(found(machine_paths, "README.md", "https://a.example/home/ is a page"), 0);
}
