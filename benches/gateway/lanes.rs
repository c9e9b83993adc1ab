//! The ways a request can take, and the processes on them.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Settings;
use crate::wire::Inbox;

/// The unit of times in `/proc/<pid>/stat` on Linux (`getconf CLK_TCK` is 100).
const TICK: Duration = Duration::from_millis(10);
const MODEL: &str = "openai/gpt-5.4-mini";
const PROMPT: &str = "Explain in a few sentences what a gateway between programs and language models does, \
    what it has to keep in mind about money, and why an answer should be passed on piece by piece. \
    Use plain words, no lists, and do not repeat the question.";

/// One way to the provider.
pub struct Lane {
    pub name: &'static str,
    pub address: SocketAddr,
    /// Complete answers so far.
    pub answered: Rc<Cell<u64>>,
    path: &'static str,
    process: Option<Process>,
    gateway: Option<Gateway>,
}

struct Process {
    child: Child,
    folder: PathBuf,
}

struct Gateway {
    key: String,
    patchbay: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // A folder that stays behind is found by whoever cleans the build folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Lane {
    fn new(name: &'static str, address: SocketAddr, path: &'static str) -> Self {
        Self { name, address, answered: Rc::default(), path, process: None, gateway: None }
    }

    pub fn direct(upstream: SocketAddr) -> Self {
        Self::new("direct", upstream, "/v1/chat/completions")
    }

    /// nginx with connections kept alive on both sides, and nothing else to do.
    pub async fn nginx(settings: &Settings, upstream: SocketAddr) -> anyhow::Result<Self> {
        let folder = fresh_folder(&settings.folder, "nginx")?;
        let address = free_address()?;
        let path = folder.display();
        let text = format!(
            "daemon off; master_process off; pid {path}/pid; error_log stderr crit;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n  access_log off; tcp_nodelay on; keepalive_requests 100000000;\n  \
             client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/f;\n  \
             uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;\n  \
             upstream provider {{ server {upstream}; keepalive 512; keepalive_requests 100000000; }}\n  \
             server {{ listen {address} backlog=4096; proxy_http_version 1.1; \
             proxy_set_header Connection \"\";\n    location / {{ proxy_pass http://provider; }}\n    \
             location /streamed/ {{ proxy_pass http://provider; proxy_buffering off; }}\n  }}\n}}\n"
        );
        let configuration = folder.join("nginx.conf");
        std::fs::write(&configuration, text)?;
        let mut command = pinned(settings, &settings.nginx);
        command.arg("-c").arg(&configuration).arg("-p").arg(&folder);
        let child = command.spawn().context("nginx does not start")?;
        let lane =
            Self { process: Some(Process { child, folder }), ..Self::new("nginx", address, "/v1/chat/completions") };
        for _ in 0..200 {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(lane);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("nginx does not answer on {address}")
    }

    /// Patchbay as it comes, with a key that has a limit, and its SQLite file in `base`.
    pub async fn patchbay(
        settings: &Settings,
        name: &'static str,
        base: &Path,
        upstream: SocketAddr,
    ) -> anyhow::Result<Self> {
        let folder = fresh_folder(base, "patchbay-bench")?;
        let environment = vec![
            ("PATCHBAY_LISTEN", "127.0.0.1:0".to_owned()),
            ("PATCHBAY_DATABASE_URL", format!("sqlite:{}/patchbay.db", folder.display())),
            ("PATCHBAY_DEMO", "off".to_owned()),
            ("PATCHBAY_FIND_LOCAL_SERVERS", "false".to_owned()),
            ("PATCHBAY_LOG", "warn".to_owned()),
            ("PATCHBAY_PROVIDERS__OPENAI__API_KEY", "none".to_owned()),
            ("PATCHBAY_PROVIDERS__OPENAI__BASE_URL", format!("http://{upstream}/v1")),
        ];
        let mut gateway = Gateway { key: String::new(), patchbay: settings.patchbay.clone(), environment };
        let email = "bench@patchbay.example";
        let user = ["user", "create", "--email", email, "--password", "a bench's password", "--credit", "1000000"];
        gateway.run(&user).await?;
        let key = gateway.run(&["key", "create", "--email", email, "--limit", "900000"]).await?;
        key.trim().clone_into(&mut gateway.key);
        let mut command = pinned(settings, &settings.patchbay);
        command.arg("serve").envs(gateway.environment.iter().cloned()).stdout(Stdio::piped());
        let mut child = command.spawn().context("Patchbay does not start")?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next_line().await?.context("Patchbay ended before it was ready")?;
            if let Some(url) = line.trim().strip_prefix("Site") {
                break url.trim().trim_start_matches("http://").parse()?;
            }
        };
        // What it prints later must not fill the pipe.
        tokio::task::spawn_local(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            process: Some(Process { child, folder }),
            gateway: Some(gateway),
            ..Self::new(name, address, "/api/v1/chat/completions")
        })
    }

    /// The bytes of one request.
    pub fn request(&self, is_streamed: bool) -> Vec<u8> {
        let body = format!(
            r#"{{"model":"{MODEL}","stream":{is_streamed},"temperature":0.7,"max_tokens":256,"messages":[{{"role":"system","content":"You are a helpful assistant."}},{{"role":"user","content":"{PROMPT}"}}]}}"#
        );
        let credential = self.credential();
        // nginx passes a stream on piece by piece only where it is told to.
        let path = if is_streamed && self.gateway.is_none() { "/streamed/v1/chat/completions" } else { self.path };
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{credential}Content-Type: application/json\r\nAccept: */*\r\n\
             User-Agent: bench/1\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .into_bytes()
    }

    fn credential(&self) -> String {
        self.gateway.as_ref().map(|gateway| format!("Authorization: Bearer {}\r\n", gateway.key)).unwrap_or_default()
    }

    fn pid(&self) -> Option<u32> {
        self.process.as_ref().and_then(|process| process.child.id())
    }

    pub const fn has_process(&self) -> bool {
        self.process.is_some()
    }

    /// CPU time of the process so far; zero where there is none.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let Some(pid) = self.pid() else { return Ok(Duration::ZERO) };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in brackets may hold spaces; user and system time are the 12th and 13th after it.
        let (_, rest) = stat.rsplit_once(')').context("no name in /proc/<pid>/stat")?;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(TICK * ticks)
    }

    /// Resident memory; zero where there is no process.
    pub fn memory_bytes(&self) -> anyhow::Result<u64> {
        let Some(pid) = self.pid() else { return Ok(0) };
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1_024)
    }

    /// Compares what the key was charged with what it was answered.
    ///
    /// # Errors
    /// When one answer was not charged, was charged twice, or the books do not add up.
    pub async fn check_charges(&self) -> anyhow::Result<()> {
        let Some(gateway) = &self.gateway else { return Ok(()) };
        let before = self.usage_nanos().await?;
        let answered = self.answered.get();
        ensure!(answered > 0 && before > 0, "{}: nothing was charged", self.name);
        ensure!(before.is_multiple_of(answered), "{}: {before} nano-USD for {answered} equal answers", self.name);
        // One more answer costs what each of them cost.
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(&self.request(false)).await?;
        let (mut inbox, mut length) = (Inbox::default(), 0);
        if let Some(head) = inbox.head(&mut stream).await? {
            length = head.body_length.unwrap_or(0);
        }
        inbox.need(&mut stream, length).await?;
        let each = self.usage_nanos().await? - before;
        ensure!(
            each * answered == before,
            "{}: {answered} answers of {each} nano-USD were charged {before}",
            self.name
        );
        gateway.run(&["ledger", "audit"]).await?;
        eprintln!("{}: {answered} answers, each charged once ({each} nano-USD); the books add up", self.name);
        Ok(())
    }

    /// What the key has spent, as the API says.
    async fn usage_nanos(&self) -> anyhow::Result<u64> {
        let mut stream = TcpStream::connect(self.address).await?;
        let credential = self.credential();
        let request = format!("GET /api/v1/key HTTP/1.1\r\nHost: bench\r\n{credential}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
        let start = body.find('{').context("no JSON")?;
        let end = body.rfind('}').context("no JSON")?;
        let key: serde_json::Value = serde_json::from_str(body.get(start..=end).unwrap_or_default())?;
        let usage = key.pointer("/data/usage").and_then(serde_json::Value::as_f64).context("no usage")?;
        // Nano-USD come as a decimal number of dollars with nine places.
        format!("{usage:.9}").replace('.', "").parse().context("usage is no amount")
    }
}

impl Gateway {
    async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.patchbay);
        command.args(arguments).envs(self.environment.iter().cloned());
        let output = command.output().await.with_context(|| format!("cannot run {}", self.patchbay.display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "patchbay {} failed: {text}{error}", arguments.join(" "));
        Ok(text)
    }
}

/// Time the core was busy so far, whoever used it.
pub fn busy(core: &str) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{core} "))).context("no such core")?;
    let times = line.split_whitespace().map(str::parse::<u32>).collect::<Result<Vec<_>, _>>()?;
    // The fourth and fifth are idle time; guests are in the first two already.
    let busy = times.iter().take(8).enumerate().filter(|(column, _)| !matches!(column, 3 | 4));
    Ok(TICK * busy.map(|(_, ticks)| ticks).sum::<u32>())
}

fn pinned(settings: &Settings, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(&settings.core).arg(program).stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn fresh_folder(base: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = base.join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
