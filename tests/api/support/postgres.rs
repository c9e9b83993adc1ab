//! A throw-away PostgreSQL for this test run, from the installed binaries.
//!
//! One cluster serves all tests of the process; every test gets a database of its
//! own. The server ends with this process: it watches a pipe we hold.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, Connection as _, Executor as _};
use tokio::sync::OnceCell;

static CLUSTER: OnceCell<String> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The URL of a fresh, empty database.
pub async fn fresh_database() -> String {
    let admin = CLUSTER.get_or_init(|| async { start().await }).await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::SeqCst));
    let mut connection = AnyConnection::connect(&format!("{admin}/postgres")).await.expect("connects");
    let create: &'static str = format!("CREATE DATABASE {name}").leak();
    connection.execute(create).await.expect("creates a database");
    format!("{admin}/{name}")
}

async fn start() -> String {
    sqlx::any::install_default_drivers();
    let bin = binaries();
    let folder = tempfile::Builder::new().prefix("patchbay-postgres-").tempdir().expect("a temporary folder").keep();
    let is_root = output("id", &["-u"]).trim() == "0";
    if is_root {
        // PostgreSQL refuses to run as root.
        run(Command::new("chown").arg("postgres").arg(&folder));
    }
    let data = folder.join("data");
    run(as_postgres(is_root, &bin.join("initdb"))
        .args(["-U", "postgres", "-A", "trust", "--no-sync", "-D"])
        .arg(&data)
        .current_dir(&folder));
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
    let script =
        "\"$@\" >\"$LOG\" 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf \"$FOLDER\"";
    let mut watcher = Command::new("sh");
    watcher.args(["-c", script, "sh"]).env("LOG", folder.join("log")).env("FOLDER", &folder);
    if is_root {
        watcher.args(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    watcher.arg(bin.join("postgres")).arg("-D").arg(&data).arg("-k").arg(&folder).arg("-p").arg(port.to_string());
    // Speed only: these tests kill our process, never the database.
    watcher.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=400"]);
    // A killed server leaves its shared memory behind: with the folder it goes.
    watcher.args(["-c", "dynamic_shared_memory_type=mmap"]);
    watcher.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = watcher.spawn().expect("starts PostgreSQL");
    // Leaked on purpose: the pipe closes when this process ends.
    Box::leak(Box::new(child));
    let url = format!("postgres://postgres@127.0.0.1:{port}");
    for _ in 0..600 {
        if AnyConnection::connect(&format!("{url}/postgres")).await.is_ok() {
            return url;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("PostgreSQL did not start; its log is {}", folder.join("log").display());
}

fn as_postgres(is_root: bool, program: &Path) -> Command {
    if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Where `initdb` and `postgres` are: the newest Debian version, else on the path.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    if let Some(bin) = versions.pop() {
        return bin;
    }
    let found = output("sh", &["-c", "command -v initdb"]);
    let initdb = found.trim();
    assert!(!initdb.is_empty(), "PostgreSQL is not installed: `apt-get install postgresql`, or run `make test`");
    Path::new(initdb).canonicalize().expect("a path").parent().expect("a folder").to_path_buf()
}
