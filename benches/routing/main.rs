//! One simulated day of twenty endpoints with changing prices, latencies and outages:
//! this server's routing against simple ones, with a report.
//!
//! Time is simulated; the routing, the health records, the breakers and the price
//! changes are the server's own code over a real database.

mod report;
mod router;
mod world;

use std::path::PathBuf;

use anyhow::Context as _;

use router::{Kind, run};
use world::World;

/// Requests of one day.
const REQUESTS: u32 = 20_000;
/// Days, each with its own seed.
const DAYS: u64 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("target/routing"), PathBuf::from);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut results = Vec::new();
    for kind in Kind::ALL {
        let mut total = report::Result::new(kind.name(), kind.is_ours());
        for seed in 1..=DAYS {
            let world = World::new(seed, REQUESTS);
            total.add(&run(kind, &world, seed).await?);
        }
        eprintln!("{}", total.line());
        results.push(total);
    }
    let path = folder.join("report.html");
    std::fs::write(&path, report::page(&results)).with_context(|| format!("cannot write {}", path.display()))?;
    for (name, svg) in report::plots(&results) {
        std::fs::write(folder.join(format!("{name}.svg")), svg)?;
    }
    println!("{}", report::table(&results));
    println!("{}", report::verdict(&results));
    println!("\nWritten: {}", path.display());
    Ok(())
}
