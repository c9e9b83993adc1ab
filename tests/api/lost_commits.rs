//! A commit whose answer is lost is neither done twice nor forgotten (I10).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use app::types::Money;
use patchbay::billing::ledger::{Payer, TransferOutcome, credit_account};
use patchbay::clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::ledger::{Books, generation};
use crate::support::{Database, asked_for};

const ORG: &str = "acme";

/// Stands before the database and hangs up when a commit was done, before it says so.
struct Cutter {
    url: String,
    /// Commits until the next one that is cut.
    fuse: Arc<AtomicU32>,
    cuts: Arc<AtomicU32>,
}

impl Cutter {
    async fn before(database_url: &str) -> Self {
        let (_, rest) = database_url.split_once('@').unwrap();
        let (server, name) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://postgres@{}/{name}", listener.local_addr().unwrap());
        let (fuse, cuts) = (Arc::new(AtomicU32::new(u32::MAX)), Arc::new(AtomicU32::new(0)));
        let (server, burns, counts) = (server.to_owned(), Arc::clone(&fuse), Arc::clone(&cuts));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (burns, counts) = (Arc::clone(&burns), Arc::clone(&counts));
                tokio::spawn(async move { relay(client, server, &burns, &counts).await });
            }
        });
        Self { url, fuse, cuts }
    }

    /// The commit after `commits` more is cut.
    fn light(&self, commits: u32) {
        self.fuse.store(commits, Ordering::SeqCst);
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, fuse: &AtomicU32, cuts: &AtomicU32) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let Some(sent) = asked.get(..length) else { return };
                let is_commit = sent.windows(7).any(|part| part == b"COMMIT\0");
                if server.write_all(sent).await.is_err() {
                    return;
                }
                let is_cut = is_commit
                    && fuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.wrapping_sub(1))) == Ok(0);
                if is_cut {
                    // The database has done it once it answers; nobody hears that.
                    let _ = server.read(&mut answered).await;
                    cuts.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                let Some(got) = answered.get(..length) else { return };
                if client.write_all(got).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Holds, extends, settles and credits while `rounds` commits each lose their answer.
async fn lose(rounds: u32) {
    let database = Database::postgres().await;
    let cutter = Cutter::before(&database.url).await;
    let through = Database { url: cutter.url.clone(), _folder: None };
    let books = Books::open_at(&through, Clock::system(), "node-1").await;
    let payer = Payer { account_id: credit_account(ORG), key_id: "key".to_owned(), ..Payer::default() };
    assert_eq!(books.ledger.grant("start", ORG, Money(1_000), "").await, Some(TransferOutcome::Created));
    let mut expected = 1_000;
    for round in 0..rounds {
        cutter.light(round % 4);
        let (cuts, id) = (cutter.cuts.load(Ordering::SeqCst), format!("g{round}"));
        let given = books.ledger.grant(&id, ORG, Money(30), "").await;
        assert!(matches!(given, Some(TransferOutcome::Created | TransferOutcome::Exists)), "{given:?}");
        let mut hold = books.ledger.hold(&id, &payer, Money(20), 600_000).await.unwrap();
        // All there is: done twice it would be refused.
        hold.extend(Money(expected + 10)).await.unwrap();
        assert_eq!(hold.settle(Money(22), generation(&id)).await, Some(Money(22)));
        expected += 8;
        let balance = books.ledger.balance(&credit_account(ORG)).await.unwrap();
        assert_eq!((balance.available.0, balance.held), (expected, Money::ZERO), "round {round}");
        assert_eq!(cutter.cuts.load(Ordering::SeqCst), cuts + 1, "one commit of round {round} was cut");
    }
    assert_eq!(books.ledger.key_usage("key").await.unwrap().total.credit, Money(22 * i64::from(rounds)));
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_counts_once() {
    lose(16).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the long form: make lost-commits"]
async fn a_thousand_commits_without_an_answer_count_once() {
    let rounds = asked_for("ROUNDS", 1_000);
    lose(rounds).await;
    println!("{rounds} commits lost their answers: each was done once");
}
