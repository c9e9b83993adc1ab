//! Features that operators switch, from the command line.

use std::io::Write as _;

use anyhow::Context as _;
use patchbay::clock::Clock;
use patchbay::config::Config;
use patchbay::flags::{Flag, Flags};

use super::{open, people};

/// Prints every feature, and whether it is on.
pub(super) async fn list(config: &Config) -> anyhow::Result<()> {
    let store = open(config).await?;
    let flags = Flags::new(config.allow_sign_up);
    let rows = store.flags().await?;
    flags.take_over(&rows);
    for flag in Flag::ALL {
        let state = if flags.is_on(flag) { "on" } else { "off" };
        let by_whom = if rows.iter().any(|row| row.name == flag.name()) { "" } else { " (default)" };
        say!("{:<14} {:<14} {}", flag.name(), format!("{state}{by_whom}"), flag.about());
    }
    Ok(())
}

/// Switches a feature; `None` leaves it to the settings.
pub(super) async fn set(config: &Config, name: &str, is_on: Option<bool>) -> anyhow::Result<()> {
    let names = Flag::ALL.map(Flag::name).join(", ");
    let flag = Flag::named(name).with_context(|| format!("no feature is called {name}; there are: {names}"))?;
    let store = open(config).await?;
    store.set_flag(flag.name(), is_on, Clock::system().now_ms()).await?;
    let (state, said) = match is_on {
        Some(true) => ("on", "on"),
        Some(false) => ("off", "off"),
        None => ("default", "as the settings have it"),
    };
    people::note_platform(&store, "flag.set", flag.name(), state).await?;
    say!("{name} is {said}; servers that run follow within a second");
    Ok(())
}
