//! Measures what the gateway adds: the same requests go to a fast fake provider
//! directly, through nginx and through Patchbay, in one run. `run.sh` pins this
//! process to one core; what it starts between the two runs on the other.

mod lanes;
mod load;
mod report;
mod upstream;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use lanes::Lane;
use report::{Report, StreamRow, WholeRow};
use tokio::task::LocalSet;

/// Connections of the runs with answers in one piece.
const CONNECTIONS: [usize; 3] = [1, 64, 256];
/// Streams at the same time, and how many follow each other on one connection.
const STREAMS: [(usize, usize); 2] = [(1, 10), (200, 5)];

/// What to run, from the command line.
#[derive(Clone, Debug)]
pub struct Settings {
    patchbay: PathBuf,
    nginx: PathBuf,
    /// The core of what is measured.
    core: String,
    /// Where databases and settings of the run go.
    folder: PathBuf,
    /// The same on a file system in memory.
    memory: PathBuf,
    warm_up: Duration,
    duration: Duration,
    /// Only Patchbay, at 64 connections: for a profiler.
    is_profile: bool,
}

fn main() -> anyhow::Result<()> {
    let Some(settings) = Settings::read(std::env::args().skip(1))? else {
        println!("Nothing was measured: benches/run.sh starts this with --patchbay and --nginx.");
        return Ok(());
    };
    // One thread for load and provider: they share a core anyway.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        tokio::task::spawn_local(stay_awake());
        measure(&settings).await
    })
}

/// Keeps callers and provider from sleeping. On the loopback who sends also wakes who receives: that
/// would be charged to what is measured, and more to whoever lets the others sleep longer.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

impl Settings {
    fn read(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Option<Self>> {
        let mut settings = Self {
            patchbay: PathBuf::new(),
            nginx: PathBuf::from("nginx"),
            core: "0".to_owned(),
            folder: std::env::temp_dir(),
            memory: PathBuf::from("/dev/shm"),
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(8),
            is_profile: false,
        };
        while let Some(name) = arguments.next() {
            if name == "--profile" {
                settings.is_profile = true;
                continue;
            }
            let value = arguments.next().with_context(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--patchbay" => settings.patchbay = value.into(),
                "--nginx" => settings.nginx = value.into(),
                "--core" => settings.core = value,
                "--folder" => settings.folder = value.into(),
                "--memory" => settings.memory = value.into(),
                "--seconds" => settings.duration = Duration::from_secs(value.parse().context("--seconds")?),
                _ => anyhow::bail!("{name} is unknown"),
            }
        }
        Ok((!settings.patchbay.as_os_str().is_empty()).then_some(settings))
    }
}

async fn measure(settings: &Settings) -> anyhow::Result<()> {
    let upstream = upstream::start().await?;
    let mut report = Report::default();
    if settings.is_profile {
        let lane = Lane::patchbay(settings, "Patchbay", &settings.folder, upstream).await?;
        report.whole.push(whole(settings, &lane, 64).await?);
        println!("{report}");
        return Ok(());
    }
    let lanes = [
        Lane::direct(upstream),
        Lane::nginx(settings, upstream).await?,
        Lane::patchbay(settings, "Patchbay", &settings.folder, upstream).await?,
        Lane::patchbay(settings, "Patchbay, database in memory", &settings.memory, upstream).await?,
    ];
    for connections in CONNECTIONS {
        for lane in &lanes {
            eprintln!("{connections} connections, {}", lane.name);
            report.whole.push(whole(settings, lane, connections).await?);
        }
    }
    for (count, rounds) in STREAMS {
        for lane in &lanes {
            eprintln!("{count} streams, {}", lane.name);
            report.streams.push(streams(lane, count, rounds).await?);
        }
    }
    println!("{report}");
    for lane in &lanes {
        // What was charged is what was answered, or the numbers above mean nothing.
        lane.check_charges().await?;
    }
    Ok(())
}

async fn whole(settings: &Settings, lane: &Lane, connections: usize) -> anyhow::Result<WholeRow> {
    let load = load::Whole::new(lane, connections);
    load.run_for(settings.warm_up).await;
    let (before, busy_before) = (lane.cpu()?, lanes::busy(&settings.core)?);
    let began = std::time::Instant::now();
    load.measure_for(settings.duration).await;
    let elapsed = began.elapsed();
    let cpu = lane.cpu()?.saturating_sub(before);
    let foreign = lanes::busy(&settings.core)?.saturating_sub(busy_before).saturating_sub(cpu);
    if lane.has_process() && foreign > elapsed / 20 {
        // Interrupts of the network are counted here too; more is somebody else's work.
        eprintln!("  the core was busy with something else for {} of {} ms", foreign.as_millis(), elapsed.as_millis());
    }
    let memory_bytes = lane.memory_bytes()?;
    let latencies = load.finish().await?;
    Ok(WholeRow { lane: lane.name, connections, elapsed, latencies, cpu, memory_bytes })
}

async fn streams(lane: &Lane, count: usize, rounds: usize) -> anyhow::Result<StreamRow> {
    // Connections to the provider are there when it counts.
    load::streams(lane, count, 1).await?;
    let before = lane.cpu()?;
    let (first, each) = load::streams(lane, count, rounds).await?;
    let cpu = lane.cpu()?.saturating_sub(before);
    Ok(StreamRow { lane: lane.name, at_once: count, first, each, cpu })
}
