//! Who is turned away first when the server has as much to do as it can bear.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::Job;
use crate::App;
use crate::error::{Error, Result};

/// How often a request that waits looks again.
const LOOK: Duration = Duration::from_millis(5);
/// Where there are fewer places than this, a share of them would be none.
const FEW: usize = 20;

/// Per cent of all places, and of the memory, up to which a request is taken in: what costs nothing
/// gives way first, then the chatroom, then what is paid for. The rest is room for
/// what runs already to be ended well.
fn share(job: &Job) -> usize {
    if job.inference.models.first().is_some_and(|model| model.ends_with(":free")) {
        80
    } else if job.requester.key.is_none() {
        90
    } else {
        95
    }
}

/// A place for a request, at once or within the time it may wait.
///
/// # Errors
/// [`Error::Busy`] when there is none.
pub(super) async fn admit(app: &App, job: &Job) -> Result<OwnedSemaphorePermit> {
    let all = usize::try_from(app.config.limits.in_flight).unwrap_or(usize::MAX);
    let share = share(job);
    let give_up = Instant::now() + Duration::from_millis(app.config.resilience.queue_ms);
    loop {
        let used = all.saturating_sub(app.in_flight.available_permits());
        let has_places = used.saturating_mul(100) < all.saturating_mul(share) || all < FEW;
        let may_enter = has_places && app.memory.percent() < share;
        if may_enter && let Ok(permit) = Arc::clone(&app.in_flight).try_acquire_owned() {
            return Ok(permit);
        }
        if Instant::now() >= give_up {
            // Not all of them at the same moment again.
            return Err(Error::Busy { retry_after_s: rand::rng().random_range(1..=3) });
        }
        sleep(LOOK).await;
    }
}
