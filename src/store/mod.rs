//! The only SQL: one text for SQLite and PostgreSQL through `sqlx::Any`.
//!
//! What differs between the two is in this file: how a connection is prepared,
//! how a write transaction begins, and the guards that keep transfers final.

pub mod accounts;
pub mod analytics;
pub mod announcements;
pub mod app_categories;
pub mod audit;
pub mod billing;
pub mod bulk;
pub mod catalog;
pub mod catalog_edits;
pub mod chains;
pub mod chat_shelves;
pub mod chats;
pub mod codes;
pub mod endpoint_statistics;
pub mod feedback;
pub mod flags;
pub mod fold;
pub mod generations;
pub mod grants;
pub mod guardrails;
pub mod identities;
pub mod keys;
pub mod ledger;
pub mod letters;
pub mod native;
pub mod notifications;
pub mod observability;
pub mod operators;
pub mod organizations;
pub mod own_keys;
pub mod page_totals;
pub mod passkeys;
pub mod presets;
pub mod prompt_logs;
pub mod purchases;
pub mod rollups;
pub mod second_factor;
pub mod sessions;
pub mod statements;
pub mod statistics;
pub mod tally;
pub mod traffic;
pub mod workspaces;

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::DatabaseSettings;
use native::{NativeWriter, WriteError};
use sqlx::any::{AnyPoolOptions, install_default_drivers};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Connection as _, Executor as _, Transaction};

/// Which database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// One process owns the file.
    Sqlite,
    /// Any number of processes share the server.
    Postgres,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    /// Where write transactions begin. On SQLite one connection, because only one
    /// can write, and because each would read again what another has written.
    writer: AnyPool,
    backend: Backend,
    /// The database file, on SQLite.
    file: Option<PathBuf>,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{0}` is no database URL: it must begin with sqlite: or postgres:")]
    Scheme(String),
    #[error("cannot create the folder {0}: {1}")]
    Folder(String, std::io::Error),
    #[error("cannot open the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("another Patchbay process owns {0}; stop it first, or give this one another database_url")]
    Owned(String),
    #[error("cannot bring the database up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

const SQLITE_PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
     PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 268435456; \
     PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4000";

fn postgres_settings(settings: &DatabaseSettings) -> String {
    let DatabaseSettings { statement_ms, lock_ms, .. } = settings;
    // In ms where there is no unit.
    let idle_ms = statement_ms.saturating_add(*lock_ms);
    format!(
        "SET statement_timeout = {statement_ms}; SET lock_timeout = {lock_ms}; \
         SET idle_in_transaction_session_timeout = {idle_ms}"
    )
}

impl Store {
    /// Opens `sqlite:<path>` (created when missing) or `postgres://…`, without touching the tables.
    ///
    /// # Errors
    /// [`OpenError`] when the URL is of another kind or the database does not answer.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_with(url, &DatabaseSettings::default()).await
    }

    /// [`Store::open`], with the operator's limits.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub async fn open_with(url: &str, settings: &DatabaseSettings) -> Result<Self, OpenError> {
        install_default_drivers();
        let (backend, url, file) = if let Some(path) = url.strip_prefix("sqlite:") {
            let (url, file) = sqlite_url(path)?;
            (Backend::Sqlite, url, Some(file))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            (Backend::Postgres, url.to_owned(), None)
        } else {
            return Err(OpenError::Scheme(url.to_owned()));
        };
        let prepare = match backend {
            Backend::Sqlite => SQLITE_PRAGMAS.to_owned(),
            Backend::Postgres => postgres_settings(settings),
        };
        let options = |connections| {
            let prepare = prepare.clone();
            AnyPoolOptions::new()
                .max_connections(connections)
                // A file does not hang up; a server may have.
                .test_before_acquire(backend == Backend::Postgres)
                .acquire_timeout(Duration::from_millis(settings.acquire_ms))
                .after_connect(move |connection, _| {
                    // Of our own words and the operator's numbers.
                    let prepare = sqlx::raw_sql(sqlx::AssertSqlSafe(prepare.clone()));
                    Box::pin(async move { prepare.execute(connection).await.map(drop) })
                })
        };
        // A page cache for every reader of a file adds up; a server has its own.
        let readers = match (settings.connections, backend) {
            (0, Backend::Sqlite) => 4,
            (0, Backend::Postgres) => 12,
            (wanted, _) => wanted,
        };
        let pool = options(readers).connect(&url).await?;
        let writer = match backend {
            Backend::Sqlite => options(1).connect(&url).await?,
            Backend::Postgres => pool.clone(),
        };
        Ok(Self { pool, writer, backend, file })
    }

    /// Brings the tables up to date and sets the guards.
    ///
    /// # Errors
    /// [`OpenError::Migrate`] when a migration fails or was changed after it ran; [`OpenError::Database`]
    /// when another process keeps the SQLite file locked for over 5 s. Nothing is done then on SQLite.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let migrations = sqlx::migrate!("./migrations");
        match self.backend {
            Backend::Sqlite => {
                // The file is locked before it is looked at: another process may be starting, too.
                let mut tx = self.begin_write().await?;
                migrations.run(&mut *tx).await?;
                tx.execute(include_str!("../../migrations/guards/sqlite.sql")).await?;
                tx.commit().await?;
            }
            Backend::Postgres => {
                // A connection of its own: on a full database a step may take longer than requests are let.
                let mut connection = self.pool.acquire().await?.detach();
                connection.execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
                migrations.run(&mut connection).await?;
                // Nodes that start together would replace the same functions at once, which the server refuses.
                let mut tx = connection.begin().await?;
                tx.execute("LOCK TABLE transfers IN SHARE ROW EXCLUSIVE MODE").await?;
                tx.execute(include_str!("../../migrations/guards/postgres.sql")).await?;
                tx.commit().await?;
                connection.close().await?;
            }
        }
        Ok(())
    }

    /// A fresh, migrated SQLite database in a temporary folder that lives as long as the guard.
    ///
    /// # Panics
    /// When the temporary folder cannot be used.
    #[cfg(test)]
    pub async fn for_test() -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Self::open(&format!("sqlite:{}", folder.path().join("test.db").display())).await.expect("opens");
        store.migrate().await.expect("migrates");
        (store, folder)
    }

    /// Takes the right to decide balances in memory, which only one process of an
    /// SQLite file may have. The lock ends with the file handle or the process.
    /// `None` where the database itself decides.
    ///
    /// # Errors
    /// [`OpenError::Owned`] when another process has it.
    pub fn own(&self) -> Result<Option<File>, OpenError> {
        let Some(file) = &self.file else { return Ok(None) };
        let path = file.with_extension("lock");
        let shown = || path.display().to_string();
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|error| OpenError::Folder(shown(), error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Owned(file.display().to_string())),
            Err(TryLockError::Error(error)) => Err(OpenError::Folder(shown(), error)),
        }
    }

    /// The key kept beside the database file, made by `fresh` the first time and readable
    /// by nobody else. `None` where there is no file.
    ///
    /// # Errors
    /// [`OpenError::Folder`] when it can be neither read nor made.
    pub fn key_beside(&self, fresh: impl FnOnce() -> String) -> Result<Option<String>, OpenError> {
        let Some(file) = &self.file else { return Ok(None) };
        let path = file.with_extension("key");
        let failed = |error| OpenError::Folder(path.display().to_string(), error);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(mut file) => {
                let key = fresh();
                std::io::Write::write_all(&mut file, key.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
                Ok(Some(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                std::fs::read_to_string(&path).map(Some).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    #[must_use]
    pub const fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Begins a transaction that will write. On SQLite it takes the write lock at
    /// once: upgrading later would fail without waiting.
    ///
    /// # Errors
    /// When no connection or lock could be had in time.
    pub async fn begin_write(&self) -> sqlx::Result<Transaction<'static, Any>> {
        match self.backend {
            Backend::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await,
            Backend::Postgres => self.writer.begin_with("BEGIN").await,
        }
    }

    /// A writer of ledger batches beside the pool, on SQLite.
    ///
    /// # Errors
    /// When the file cannot be opened once more.
    pub fn native_writer(&self) -> Result<Option<NativeWriter>, WriteError> {
        self.file.as_deref().map(NativeWriter::open).transpose()
    }

    /// Keeps every other writer of this process waiting until it is dropped: on
    /// SQLite only one can write, and who finds the file locked sleeps before he
    /// looks again.
    ///
    /// # Errors
    /// When the turn did not come in time.
    pub async fn write_turn(&self) -> sqlx::Result<PoolConnection<Any>> {
        self.writer.acquire().await
    }

    /// Answers when the database does.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(|_| ())
    }

    /// Closes every connection; what is under way is finished first.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}

/// Creates the folder of a database file and asks for the file to be created.
fn sqlite_url(path: &str) -> Result<(String, PathBuf), OpenError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    let file = path.split('?').next().unwrap_or(path);
    if let Some(folder) = std::path::Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| OpenError::Folder(folder.display().to_string(), error))?;
    }
    let separator = if path.contains('?') { '&' } else { '?' };
    let url =
        if path.contains("mode=") { format!("sqlite://{path}") } else { format!("sqlite://{path}{separator}mode=rwc") };
    Ok((url, PathBuf::from(file)))
}

/// Whether an error is a broken UNIQUE rule.
#[must_use]
pub fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
