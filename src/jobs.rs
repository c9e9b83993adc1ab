//! What runs in the background, and how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::App;
use crate::billing::letters;
use crate::billing::purchase;
use crate::billing::statements;
use crate::billing::top_up;
use crate::gateway::broadcast::send;
use crate::gateway::probe;
use crate::store::Backend;
use crate::store::fold::FOLD_LIMIT;

/// Starts the jobs; they end when the last request is over: until then this node must say that it is
/// alive, or others void its holds.
pub fn start(app: &Arc<App>) {
    every(app, Duration::from_millis(500), "fold generations", |app| async move {
        // A backlog is folded piece by piece without waiting. What has come meanwhile waits for the next
        // time: each fold makes the ledger's connection read its pages anew.
        while app.store.fold_generations().await? >= FOLD_LIMIT {}
        Ok(())
    });
    every(app, Duration::from_secs(2), "buy credit automatically", |app| async move { top_up::buy_due(&app).await });
    every(app, Duration::from_mins(1), "look after open purchases", |app| async move {
        purchase::look_after_open(&app).await
    });
    every(app, Duration::from_secs(10), "tell low balances", |app| async move {
        letters::tell_low_balances(&app).await?;
        letters::tell_key_limits(&app).await
    });
    every(app, Duration::from_mins(10), "send statements", |app| async move { statements::send_due(&app).await });
    every(app, Duration::from_secs(1), "book grants", |app| async move { app.ledger.book_grant_requests().await });
    every(app, Duration::from_secs(1), "refresh the catalog", |app| async move { app.refresh_catalog().await });
    every(app, Duration::from_mins(10), "forget expired sessions", |app| async move {
        app.store.delete_expired_sessions(app.clock.now_ms()).await.map(|_| ())
    });
    every(app, Duration::from_secs(1), "send events", |app| async move { send::send_due(&app).await });
    every(app, Duration::from_mins(1), "forget kept prompts", |app| async move {
        app.store.delete_expired_prompt_logs(app.clock.now_ms()).await.map(|_| ())
    });
    every(app, Duration::from_millis(250), "look at the memory", |app| async move {
        app.memory.look();
        Ok(())
    });
    every(app, Duration::from_mins(1), "forget idle callers", |app| async move {
        app.rate_limits.forget_idle();
        app.sticky.forget_idle(app.clock.now_ms());
        Ok(())
    });
    every(app, Duration::from_mins(1), "count what is popular", |app| async move { app.refresh_popularity().await });
    every(app, Duration::from_millis(500), "refresh settings", |app| async move { app.refresh_topics().await });
    every(app, Duration::from_mins(1), "recount own keys", |app| async move { app.recount_own_keys().await });
    every(app, Duration::from_secs(10), "share figures", |app| async move {
        app.health.write(&app.store, &app.node_id).await?;
        app.health.read(&app.store, &app.node_id, app.clock.now_ms(), false).await
    });
    every(app, Duration::from_mins(10), "forget old figures", |app| async move {
        app.health.forget_old(&app.store, app.clock.now_ms()).await
    });
    every(app, Duration::from_secs(1), "send letters", |app| async move { app.mail.send_waiting().await });
    every(app, Duration::from_hours(1), "forget old letters", |app| async move { app.mail.forget_old().await });
    every(app, Duration::from_secs(1), "check endpoints", |app| async move {
        probe::check_due(&app).await;
        Ok(())
    });
    every(app, Duration::from_secs(10), "heartbeat", |app| async move { app.ledger.reap().await.map(|_| ()) });
    if app.store.backend() == Backend::Postgres {
        // Other nodes change keys, too. Three seconds of overlap cover clocks that differ.
        let last = Arc::new(AtomicI64::new(app.clock.now_ms()));
        every(app, Duration::from_millis(500), "refresh keys", move |app| {
            let last = Arc::clone(&last);
            async move {
                let now = app.clock.now_ms();
                app.keys.refresh(last.load(Ordering::SeqCst) - 3_000).await?;
                last.store(now, Ordering::SeqCst);
                Ok(())
            }
        });
    }
}

fn every<F, R>(app: &Arc<App>, period: Duration, name: &'static str, job: F)
where
    F: Fn(Arc<App>) -> R + Send + 'static,
    R: Future<Output = sqlx::Result<()>> + Send,
{
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(period);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = app.over.cancelled() => break,
            }
            if let Err(error) = job(Arc::clone(&app)).await {
                tracing::error!(%error, job = name, "A background job failed; it will run again");
            }
        }
    });
}
