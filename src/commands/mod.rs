//! What the program can be told to do.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use app::types::Money;
use clap::{Args, Parser, Subcommand};
use patchbay::billing::audit;
use patchbay::billing::ledger::adopt;
use patchbay::catalog::local::Local;
use patchbay::catalog::{Catalog, import, seed};
use patchbay::clock::Clock;
use patchbay::config::Config;
use patchbay::gateway::rerate;
use patchbay::http::openapi;
use patchbay::providers::client::Upstreams;
use patchbay::providers::credentials::Credentials;
use patchbay::providers::simulated;
use patchbay::store::Store;
use tokio::net::TcpListener;

/// Prints a line. A reader who has left (`patchbay catalog list | head`) is no error.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(std::io::stdout().lock(), $($text)*);
    }};
}

mod flags;
mod money;
mod people;
mod secrets;
mod serve;
mod traffic;

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
    /// Promo codes.
    #[command(subcommand)]
    Promo(PromoCommand),
    /// The books.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Features that are switched while servers run.
    #[command(subcommand)]
    Flag(FlagCommand),
    /// What secrets are kept with.
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Print the prompts and answers that their owners let the operator use, as lines of JSON.
    Prompts,
    /// Run the three simulated providers on fixed ports, for tests and trials.
    Simulate(SimulateArguments),
    /// Fill an empty database with invented requests and their totals, to measure pages on.
    Traffic(traffic::TrafficArguments),
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
        /// Let this person run the server: the pages under /admin.
        #[arg(long)]
        operator: bool,
    },
    /// Let somebody run the server (the pages under /admin), or no longer.
    Operator {
        #[arg(long)]
        email: String,
        /// Take the right away.
        #[arg(long)]
        revoke: bool,
    },
    /// Let somebody who lost his authenticator app and recovery codes sign in by password
    /// alone. Make sure who asks.
    EndSecondFactor {
        #[arg(long)]
        email: String,
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
    /// Give credit to an organization, by its id or by the address of its first member.
    Grant {
        /// An account's address, or the id of an organization.
        #[arg(long)]
        email: String,
        /// US dollars.
        #[arg(long)]
        amount: Money,
        #[arg(long, default_value = "Granted by the operator")]
        reason: String,
    },
    /// Credit what a customer paid by other means, such as a bank transfer. Unlike granted
    /// credit it counts as bought.
    Invoice {
        #[arg(long)]
        email: String,
        /// US dollars.
        #[arg(long)]
        amount: Money,
        /// The number of the invoice, and whatever else should be in the books.
        #[arg(long)]
        reason: String,
    },
    /// Refuse every request of a user's organization.
    Freeze {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Frozen by the operator")]
        reason: String,
    },
    /// Let a frozen organization go on, after a lost dispute for example.
    Thaw {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Thawed by the operator")]
        reason: String,
    },
}

#[derive(Subcommand)]
enum PromoCommand {
    /// Make a code that gives each organization credit once.
    Create {
        code: String,
        /// US dollars.
        #[arg(long)]
        amount: Money,
        /// How many organizations may use it.
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// Days it can be used; without it, for ever.
        #[arg(long)]
        days: Option<u32>,
        #[arg(long, default_value = "Made by the operator")]
        reason: String,
    },
    /// Print the codes and what is left of them.
    List,
}

#[derive(Subcommand)]
enum LedgerCommand {
    /// Add up every balance again from its transfers, check that no transfer was changed and work
    /// every charge out again from its quantities and prices; fails when one differs.
    Audit,
    /// Add up the totals of usage again, from the requests themselves.
    Rebuild,
}

#[derive(Subcommand)]
enum FlagCommand {
    /// Print the features and whether they are on.
    List,
    /// Switch a feature; servers that run follow within a second.
    Set { name: String, state: FlagState },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FlagState {
    On,
    Off,
    /// As the settings have it.
    Default,
}

impl FlagState {
    fn choice(self) -> Option<bool> {
        match self {
            Self::On => Some(true),
            Self::Off => Some(false),
            Self::Default => None,
        }
    }
}

#[derive(Subcommand)]
enum SecretsCommand {
    /// Encrypt every kept secret under the current secrets.key; afterwards secrets.old_keys can go.
    Rotate,
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
        Command::Serve => serve::serve(config).await,
        Command::Migrate => {
            open(&config).await?;
            say!("The database is up to date.");
            Ok(())
        }
        Command::Catalog(CatalogCommand::Import { source }) => import_catalog(&config, &source).await,
        Command::Catalog(CatalogCommand::List { filter }) => list_catalog(&config, &filter).await,
        Command::Flag(FlagCommand::List) => flags::list(&config).await,
        Command::Flag(FlagCommand::Set { name, state }) => flags::set(&config, &name, state.choice()).await,
        Command::User(UserCommand::Create { email, password, name, credit, operator }) => {
            people::create_user(&config, &email, &password, &name, credit).await?;
            if operator { people::set_operator(&config, &email, true).await } else { Ok(()) }
        }
        Command::User(UserCommand::Operator { email, revoke }) => people::set_operator(&config, &email, !revoke).await,
        Command::User(UserCommand::EndSecondFactor { email }) => people::end_second_factor(&config, &email).await,
        Command::Key(KeyCommand::Create { email, name, limit, management }) => {
            people::create_key(&config, &email, &name, limit, management).await
        }
        Command::Credit(CreditCommand::Grant { email, amount, reason }) => {
            let store = open(&config).await?;
            let organization_id = people::organization_of(&store, &email).await?;
            people::grant(&store, &organization_id, amount, &reason).await
        }
        Command::Credit(command) => money::credit(&config, command).await,
        Command::Promo(PromoCommand::Create { code, amount, uses, days, reason }) => {
            money::create_promo(&config, &code, amount, uses, days, &reason).await
        }
        Command::Promo(PromoCommand::List) => money::list_promos(&config).await,
        Command::Ledger(LedgerCommand::Audit) => audit(&config).await,
        Command::Ledger(LedgerCommand::Rebuild) => money::rebuild(&config).await,
        Command::Secrets(SecretsCommand::Rotate) => secrets::rotate(&config).await,
        Command::Prompts => secrets::print_prompts(&config).await,
        Command::Simulate(arguments) => simulate(&arguments).await,
        Command::Traffic(arguments) => traffic::fill(&config, &arguments).await,
        Command::Check => check(&config).await,
        Command::Openapi => {
            say!("{}", openapi::document().to_pretty_json()?);
            Ok(())
        }
    }
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    let store = Store::open_with(&config.database_url, &config.database).await.context("database_url")?;
    store.migrate().await?;
    adopt(&store, Clock::system().now_ms()).await?;
    apply(&store, seed::built_in()).await?;
    Ok(store)
}

/// Brings the catalog up to what a list says.
async fn apply(store: &Store, list: import::Import) -> anyhow::Result<import::Report> {
    let (changes, report) = import::plan(&store.load_catalog().await?, list, Clock::system().now_ms());
    store.apply_catalog(&changes).await?;
    Ok(report)
}

async fn credentials(config: &Config, store: &Store) -> anyhow::Result<Credentials> {
    let catalog = Catalog::from_rows(&store.load_offered_catalog().await?);
    let providers = catalog.providers.values().map(|provider| provider.sought());
    Ok(Credentials::gather(&config.providers, providers))
}

async fn import_catalog(config: &Config, source: &str) -> anyhow::Result<()> {
    let store = open(config).await?;
    let bytes = if source.starts_with("http://") || source.starts_with("https://") {
        Upstreams::new(config)?.download(source, 64 << 20).await.map_err(anyhow::Error::msg)?
    } else {
        std::fs::read(source).with_context(|| format!("cannot read {source}"))?
    };
    let report = apply(&store, import::read(&bytes)?).await?;
    say!("{report}");
    Ok(())
}

async fn list_catalog(config: &Config, filter: &str) -> anyhow::Result<()> {
    let store = open(config).await?;
    let catalog = Catalog::from_rows(&store.load_offered_catalog().await?);
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

async fn audit(config: &Config) -> anyhow::Result<()> {
    let store = open(config).await?;
    let mut differences = audit::differences(&store).await?;
    differences.extend(rerate::differences(&store).await?);
    for difference in &differences {
        say!("{difference}");
    }
    if differences.is_empty() {
        say!(
            "Every balance equals its transfers and holds, the books are balanced, no transfer was changed, and every charge is what its quantities and its prices make."
        );
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
    let catalog = Catalog::from_rows(&store.load_offered_catalog().await?);
    say!("database   ok: {} models, {} endpoints", catalog.models.len(), catalog.endpoint_count());
    let credentials = credentials(config, &store).await?;
    let upstreams = Upstreams::new(config)?;
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
