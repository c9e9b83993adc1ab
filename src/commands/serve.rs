//! Serving the site and the API, until a signal ends it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use patchbay::catalog::local::Local;
use patchbay::catalog::seed;
use patchbay::clock::Clock;
use patchbay::config::{Config, Demo, SearchEngine};
use patchbay::http::{observe, router, server};
use patchbay::providers::client::Upstreams;
use patchbay::providers::simulated;
use patchbay::store::Store;
use patchbay::{App, demo, jobs, telemetry};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{apply, credentials, open};

/// For the charges of requests whose callers have left, at the very end.
const LAST_CHARGES: Duration = Duration::from_secs(30);

pub(super) async fn serve(mut config: Config) -> anyhow::Result<()> {
    telemetry::start(&config).map_err(anyhow::Error::msg)?;
    let clock = Clock::system();
    let store = open(&config).await?;
    // Before anything is written: another process may be serving from this file.
    drop(store.own()?);
    let upstreams = Upstreams::new(&config)?;
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
    if is_demo && config.billing.methods_are_off() {
        config.simulate_payments();
    }
    let private = private_listener(&config).await?;
    let (app, writer) = App::start(config, clock, store, is_demo).await?;
    if let Some(listener) = private {
        tracing::info!(address = %listener.local_addr()?, "Metrics are read here");
        tokio::spawn(observe::serve(listener, Arc::clone(&app)));
    }
    app.offer_local(local).await?;
    jobs::start(&app);
    let login = if is_demo { Some(demo::prepare(&app).await?) } else { None };
    print_welcome(&app, login.as_ref()).await?;
    tokio::spawn(wait_for_signal(Arc::clone(&app)));
    server::serve(listener, router(&app), &app).await;
    app.requests.close();
    // Those whose callers have left; their charges are wanted, too.
    if tokio::time::timeout(LAST_CHARGES, app.requests.wait()).await.is_err() {
        tracing::warn!(requests = app.requests.len(), "Requests were still running after the drain time");
    }
    app.over.cancel();
    drop(simulators);
    // The ledger is the last thing closed: whatever was charged is written.
    writer.finish().await;
    app.store.close().await;
    Ok(())
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
    if config.web_search.engine == SearchEngine::Off
        && let Some(origin) = origins.first()
    {
        config.web_search.engine = SearchEngine::Exa;
        config.web_search.base_url.clone_from(origin);
        "simulated".clone_into(&mut config.web_search.api_key);
    }
    Ok(handles)
}

/// The listener that only the monitoring reaches, if there is to be one.
async fn private_listener(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let address = config.telemetry.listen.as_str();
    if address.is_empty() {
        return Ok(None);
    }
    let listener = TcpListener::bind(address).await;
    let remedy = || format!("telemetry.listen: cannot listen on {address}: write an address such as 127.0.0.1:9464");
    listener.with_context(remedy).map(Some)
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

/// SIGTERM: first not ready, so that nobody sends more, then the end of what is under
/// way. Ctrl-C does not wait for others. A second signal ends what is still under way.
async fn wait_for_signal(app: Arc<App>) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return tracing::error!("Signals cannot be waited for: this server ends only when it is killed");
    };
    let is_deployed = tokio::select! {
        _ = interrupt.recv() => false,
        _ = terminate.recv() => true,
    };
    app.leaving.cancel();
    if is_deployed {
        tracing::info!("Asked to stop: not ready any more, requests are accepted a little longer");
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(app.config.server.unready_ms)) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    tracing::info!("Shutting down: open requests are finished first; a second signal ends them");
    app.shutdown.cancel();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = app.over.cancelled() => return,
    }
    tracing::warn!("A second signal: requests under way are ended");
    app.cut.cancel();
}
