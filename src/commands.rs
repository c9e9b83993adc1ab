//! What the program can be told to do.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use app::types::Money;
use clap::{Args, Parser, Subcommand};
use patchbay::accounts::users::Users;
use patchbay::accounts::{keys, new_id};
use patchbay::billing::ledger::{Ledger, credit_account};
use patchbay::catalog::local::Local;
use patchbay::catalog::{Catalog, import, seed};
use patchbay::clock::Clock;
use patchbay::config::{Config, Demo};
use patchbay::http::{openapi, router, server};
use patchbay::providers::client::Upstreams;
use patchbay::providers::credentials::Credentials;
use patchbay::providers::simulated;
use patchbay::store::Store;
use patchbay::store::keys::KeyRow;
use patchbay::store::ledger::GrantRequest;
use patchbay::{App, demo, jobs, telemetry};
use tokio::net::TcpListener;

/// Prints a line. A reader who has left (`patchbay catalog list | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stdout().lock(), $($text)*);
    }};
}

/// The open, self-hosted AI model marketplace.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
pub struct Arguments {
    /// Settings file; see patchbay.example.toml. PATCHBAY_… variables override it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the site and the API.
    Serve,
    /// Bring the database up to date, and do nothing else.
    Migrate,
    /// The models on offer.
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// People.
    #[command(subcommand)]
    User(UserCommand),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Credit.
    #[command(subcommand)]
    Credit(CreditCommand),
    /// The books.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Run the three simulated providers on fixed ports, for tests and trials.
    Simulate(SimulateArguments),
    /// Check settings, database and providers, and say what is wrong.
    Check,
    /// Print the description of the API (OpenAPI 3.1, JSON).
    Openapi,
}

#[derive(Subcommand)]
enum CatalogCommand {
    /// Read a list of models (models.dev's JSON or the answer of GET /api/v1/models) from a file or URL.
    Import { source: String },
    /// Print the models and how many endpoints serve each.
    List {
        /// Only models whose id contains this.
        #[arg(default_value = "")]
        filter: String,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Open an account with its own organization.
    Create {
        #[arg(long)]
        email: String,
        /// Read from PATCHBAY_PASSWORD when left out.
        #[arg(long, env = "PATCHBAY_PASSWORD", hide_env_values = true)]
        password: String,
        #[arg(long, default_value = "")]
        name: String,
        /// US dollars of credit to begin with.
        #[arg(long)]
        credit: Option<Money>,
    },
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key for a user's organization and print it, once.
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Command line")]
        name: String,
        /// The most this key may spend, US dollars.
        #[arg(long)]
        limit: Option<Money>,
        /// Make a management key, which manages keys and cannot run inference.
        #[arg(long)]
        management: bool,
    },
}

#[derive(Subcommand)]
enum CreditCommand {
    /// Give a user's organization credit.
    Grant {
        #[arg(long)]
        email: String,
        /// US dollars.
        #[arg(long)]
        amount: Money,
        #[arg(long, default_value = "Granted by the operator")]
        reason: String,
    },
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Add up every balance again from its transfers; fails when one differs.
    Audit,
}

#[derive(Args)]
struct SimulateArguments {
    /// The first of three ports on 127.0.0.1: OpenAI chat, Anthropic Messages, Gemini.
    #[arg(long, default_value_t = 4100)]
    port: u16,
    /// Pause between two pieces of a streamed answer, ms.
    #[arg(long, default_value_t = 25)]
    pace_ms: u64,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let environment = std::env::vars().filter(|(name, _)| name != "PATCHBAY_PASSWORD");
    let config = Config::load(arguments.config.as_deref(), environment)?;
    match arguments.command {
        Command::Serve => serve(config).await,
        Command::Migrate => {
            open(&config).await?;
            say!("The database is up to date.");
            Ok(())
        }
        Command::Catalog(CatalogCommand::Import { source }) => import_catalog(&config, &source).await,
        Command::Catalog(CatalogCommand::List { filter }) => list_catalog(&config, &filter).await,
        Command::User(UserCommand::Create { email, password, name, credit }) => {
            create_user(&config, &email, &password, &name, credit).await
        }
        Command::Key(KeyCommand::Create { email, name, limit, management }) => {
            create_key(&config, &email, &name, limit, management).await
        }
        Command::Credit(CreditCommand::Grant { email, amount, reason }) => {
            let store = open(&config).await?;
            let organization_id = organization_of(&store, &email).await?;
            grant(&store, &organization_id, amount, &reason).await
        }
        Command::Ledger(LedgerCommand::Audit) => audit(&config).await,
        Command::Simulate(arguments) => simulate(&arguments).await,
        Command::Check => check(&config).await,
        Command::Openapi => {
            say!("{}", openapi::document().to_pretty_json()?);
            Ok(())
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    let store = Store::open(&config.database_url).await.context("database_url")?;
    store.migrate().await?;
    apply(&store, seed::built_in()).await?;
    Ok(store)
}

/// Brings the catalog up to what a list says.
async fn apply(store: &Store, list: import::Import) -> anyhow::Result<import::Report> {
    let (changes, report) = import::plan(&store.load_catalog().await?, list, Clock::system().now_ms());
    store.apply_catalog(&changes).await?;
    Ok(report)
}

async fn serve(mut config: Config) -> anyhow::Result<()> {
    telemetry::start(&config).map_err(anyhow::Error::msg)?;
    let clock = Clock::system();
    let store = open(&config).await?;
    // Before anything is written: another process may be serving from this file.
    drop(store.own()?);
    let upstreams = Upstreams::new(&config.timeouts)?;
    let local = if config.find_local_servers { Local::find(&upstreams).await } else { Local::default() };
    let is_demo = match config.demo {
        Demo::On => true,
        Demo::Off => false,
        Demo::Auto => {
            let has_own = config.providers.values().any(|provider| !provider.models.is_empty());
            local.models.is_empty() && !has_own && credentials(&config, &store).await?.is_empty()
        }
    };
    let mut simulators = Vec::new();
    if is_demo {
        simulators = start_simulators(&mut config, &store).await?;
    }
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("cannot listen on {}: choose another address with PATCHBAY_LISTEN, or stop what uses it", config.listen)
    })?;
    config.listen = listener.local_addr()?;
    let drain = Duration::from_millis(config.timeouts.drain_ms);
    let (app, writer) = App::start(config, clock, store, is_demo).await?;
    app.offer_local(local).await?;
    jobs::start(&app);
    let login = if is_demo { Some(demo::prepare(&app).await?) } else { None };
    print_welcome(&app, login.as_ref()).await?;
    tokio::spawn(wait_for_signal(Arc::clone(&app)));
    server::serve(listener, router(&app), app.shutdown.clone(), drain).await;
    app.requests.close();
    if tokio::time::timeout(drain, app.requests.wait()).await.is_err() {
        tracing::warn!(requests = app.requests.len(), "Requests were still running after the drain time");
    }
    drop(simulators);
    // The ledger is the last thing closed: whatever was charged is written.
    writer.finish().await;
    app.store.close().await;
    Ok(())
}

async fn credentials(config: &Config, store: &Store) -> anyhow::Result<Credentials> {
    let catalog = Catalog::from_rows(&store.load_catalog().await?);
    let providers = catalog.providers.values().map(|provider| provider.sought());
    Ok(Credentials::gather(&config.providers, providers))
}

async fn start_simulators(config: &mut Config, store: &Store) -> anyhow::Result<Vec<simulated::Handle>> {
    let mut handles = Vec::new();
    for _ in 0..3 {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        handles.push(simulated::spawn(listener, simulated::SimulatorOptions::default())?);
    }
    let origins: Vec<String> = handles.iter().map(|handle| format!("http://{}", handle.addr)).collect();
    let origins: [String; 3] = origins.try_into().map_err(|_| anyhow::anyhow!("three simulators are needed"))?;
    let list = seed::demo(&origins);
    for provider in &list.providers {
        config.providers.entry(provider.slug.clone()).or_default().base_url = Some(provider.base_url.clone());
    }
    apply(store, list).await?;
    Ok(handles)
}

async fn print_welcome(app: &App, login: Option<&demo::Login>) -> anyhow::Result<()> {
    let url = app.config.public_url();
    let version = env!("CARGO_PKG_VERSION");
    let catalog = app.catalog();
    let (models, providers) = (catalog.models.len(), catalog.providers.len());
    let mut text =
        format!("\nPatchbay {version} is ready: {models} models from {providers} providers\n  Site     {url}\n");
    if let Some(login) = login {
        let model = catalog
            .models
            .values()
            .find(|model| model.endpoints.iter().any(|endpoint| endpoint.is_simulated))
            .map_or("openrouter/auto", |model| model.id.as_str());
        write!(
            text,
            "  Mode     demo: the providers are simulated and the traffic is seeded. Set OPENAI_API_KEY,\n\
             \x20          ANTHROPIC_API_KEY, GEMINI_API_KEY … and start again for the real ones.\n\
             \x20 Sign in  {} with password {}\n\
             \x20 API key  {}\n\
             \x20 Try it   curl -N {url}/api/v1/chat/completions -H 'Authorization: Bearer {}' \\\n\
             \x20            -H 'Content-Type: application/json' \\\n\
             \x20            -d '{{\"model\":\"{model}\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'\n",
            login.email, login.password, login.key, login.key
        )?;
    } else if app.store.count_users().await? == 0 {
        write!(
            text,
            "  First    open an account on {url}/sign-up, or on the command line:\n\
             \x20            patchbay user create --email you@example.org --password '…' --credit 10\n\
             \x20            patchbay key create --email you@example.org\n"
        )?;
    } else {
        writeln!(text, "  API      {url}/api/v1")?;
    }
    // Nobody may be listening: a server without a terminal runs on.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    Ok(())
}

async fn wait_for_signal(app: Arc<App>) {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        () = terminate => {}
    }
    tracing::info!("Shutting down: open requests are finished first");
    app.shutdown.cancel();
}

async fn import_catalog(config: &Config, source: &str) -> anyhow::Result<()> {
    let store = open(config).await?;
    let bytes = if source.starts_with("http://") || source.starts_with("https://") {
        Upstreams::new(&config.timeouts)?.download(source, 64 << 20).await.map_err(anyhow::Error::msg)?
    } else {
        std::fs::read(source).with_context(|| format!("cannot read {source}"))?
    };
    let report = apply(&store, import::read(&bytes)?).await?;
    say!("{report}");
    Ok(())
}

async fn list_catalog(config: &Config, filter: &str) -> anyhow::Result<()> {
    let store = open(config).await?;
    let catalog = Catalog::from_rows(&store.load_catalog().await?);
    for model in catalog.models.values().filter(|model| model.id.contains(filter)) {
        let price = model.endpoints.first().map(|endpoint| {
            format!(
                "{} / {} per million",
                endpoint.prices.prompt.per_million(),
                endpoint.prices.completion.per_million()
            )
        });
        say!("{:<60} {:>3} endpoints  {}", model.id, model.endpoints.len(), price.unwrap_or_default());
    }
    Ok(())
}

async fn create_user(
    config: &Config,
    email: &str,
    password: &str,
    name: &str,
    credit: Option<Money>,
) -> anyhow::Result<()> {
    let store = open(config).await?;
    let users = Users::new(store.clone(), Clock::system());
    let account =
        users.sign_up(name, email, password, false).await.map_err(|error| match error.to_string().as_str() {
            "taken" => anyhow::anyhow!("{email} has an account already"),
            "weak_password" => anyhow::anyhow!("choose a longer or less common password (at least 8 characters)"),
            "bad_email" => anyhow::anyhow!("{email} is no e-mail address"),
            other => anyhow::anyhow!("{other}"),
        })?;
    say!("Opened an account for {email}: organization {}", account.organization_id);
    match credit.filter(|credit| credit.0 > 0) {
        Some(credit) => grant(&store, &account.organization_id, credit, "Starting credit").await,
        None => Ok(()),
    }
}

async fn organization_of(store: &Store, email: &str) -> anyhow::Result<String> {
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}"))?;
    let membership = store.first_membership(&user.id).await?;
    Ok(membership.with_context(|| format!("{email} belongs to no organization"))?.organization_id)
}

async fn create_key(
    config: &Config,
    email: &str,
    name: &str,
    limit: Option<Money>,
    is_management: bool,
) -> anyhow::Result<()> {
    let store = open(config).await?;
    let user = store.user_by_email(&email.trim().to_lowercase()).await?;
    let user = user.with_context(|| format!("nobody has an account as {email}; see `patchbay user create`"))?;
    let membership = store.first_membership(&user.id).await?.context("this user belongs to no organization")?;
    let now = Clock::system().now_ms();
    let fresh = keys::generate();
    let row = KeyRow {
        id: new_id(now),
        hash: fresh.hash,
        label: fresh.label,
        name: name.to_owned(),
        organization_id: membership.organization_id,
        workspace_id: membership.workspace_id,
        creator_user_id: Some(user.id),
        is_management: i64::from(is_management),
        limit_nanos: limit.map(|limit| limit.0),
        created_at: now,
        updated_at: now,
        ..KeyRow::default()
    };
    store.insert_key(&row).await?;
    say!("{}", fresh.text);
    Ok(())
}

/// Leaves the grant for the process that owns the ledger, or books it when none runs.
async fn grant(store: &Store, organization_id: &str, amount: Money, reason: &str) -> anyhow::Result<()> {
    if amount.0 <= 0 {
        bail!("the amount must be more than 0 US dollars");
    }
    let clock = Clock::system();
    let now = clock.now_ms();
    let request = GrantRequest {
        id: new_id(now),
        organization_id: organization_id.to_owned(),
        amount_nanos: amount.0,
        reason: reason.to_owned(),
        created_at: now,
    };
    store.request_grant(&request).await?;
    if let Ok(_ownership) = store.own() {
        let (ledger, writer) = Ledger::start(store.clone(), clock, new_id(now)).await?;
        ledger.book_grant_requests().await?;
        let balance = ledger.balance(&credit_account(organization_id)).await?;
        writer.finish().await;
        say!("Granted {}; {} is available.", amount.dollars(), balance.available.dollars());
    } else {
        say!("Granted {}; the running server books it within a second.", amount.dollars());
    }
    Ok(())
}

async fn audit(config: &Config) -> anyhow::Result<()> {
    let store = open(config).await?;
    let differences = store.ledger_differences().await?;
    for difference in &differences {
        say!("{difference}");
    }
    if differences.is_empty() {
        say!("Every balance equals its transfers and holds, and the books are balanced.");
        return Ok(());
    }
    bail!("{} differences", differences.len())
}

async fn simulate(arguments: &SimulateArguments) -> anyhow::Result<()> {
    let mut handles = Vec::new();
    for offset in 0..3 {
        let address = format!("127.0.0.1:{}", arguments.port + offset);
        let listener = TcpListener::bind(&address).await.with_context(|| format!("cannot listen on {address}"))?;
        let options = simulated::SimulatorOptions {
            pace: Duration::from_millis(arguments.pace_ms),
            ..simulated::SimulatorOptions::default()
        };
        handles.push(simulated::spawn(listener, options)?);
    }
    for (handle, path) in
        handles.iter().zip(["/v1/chat/completions", "/v1/messages", "/v1beta/models/…:generateContent"])
    {
        say!("http://{}  all three protocols; usually {path}", handle.addr);
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}

async fn check(config: &Config) -> anyhow::Result<()> {
    say!("settings   ok: listen {}, database {:?}", config.listen, config.database_url.split(':').next().unwrap_or(""));
    let store = open(config).await?;
    let catalog = Catalog::from_rows(&store.load_catalog().await?);
    say!("database   ok: {} models, {} endpoints", catalog.models.len(), catalog.endpoint_count());
    let credentials = credentials(config, &store).await?;
    let upstreams = Upstreams::new(&config.timeouts)?;
    let mut failures = 0;
    for provider in catalog.providers.values() {
        let Some(key) = credentials.key(&provider.slug) else { continue };
        let base_url = credentials.base_url(&provider.slug).unwrap_or(&provider.base_url);
        let verdict = match upstreams.check(base_url, provider.auth.header(key)).await {
            Ok(status @ (401 | 403)) => Err(format!("the key was refused ({status})")),
            Ok(status) => Ok(format!("answers ({status})")),
            Err(fault) => Err(fault.message),
        };
        failures += usize::from(verdict.is_err());
        match verdict {
            Ok(text) => say!("provider   ok: {} {text}", provider.slug),
            Err(text) => say!("provider   FAILED: {} {text}", provider.slug),
        }
    }
    for provider in Local::find(&upstreams).await.providers {
        say!("provider   ok: {} found on this machine", provider.name);
    }
    if credentials.is_empty() {
        say!("provider   none has a key: `patchbay serve` starts in demo mode");
    }
    anyhow::ensure!(failures == 0, "{failures} providers do not work");
    Ok(())
}
