//! Passwords: argon2id, a few at a time, off the async threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use tokio::sync::Semaphore;

use super::breached::Breached;
use super::common_passwords::is_common;

/// Characters; more advice than this only makes people write it down.
pub const MIN_LENGTH: usize = 8;
/// Bytes.
pub const MAX_LENGTH: usize = 256;

/// Too many sign-ins at once, or the hash could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

/// Hashes and verifies, at most as many at a time as there are cores.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// Verified when there is no such user, so that both cases take the same time.
    dummy: Arc<str>,
    /// Hashes worked out so far.
    worked: Arc<AtomicU64>,
}

impl Passwords {
    /// # Panics
    /// When the parameters compiled in are wrong.
    #[must_use]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let dummy = hash_now("a password nobody has").expect("the default parameters are valid");
        Self { permits: Arc::new(Semaphore::new(cores)), dummy: dummy.into(), worked: Arc::default() }
    }

    /// The PHC string of a password.
    ///
    /// # Errors
    /// [`Unavailable`] when no thread was free for two seconds.
    pub async fn hash(&self, password: String) -> Result<String, Unavailable> {
        self.run(move || hash_now(&password)).await?.ok_or(Unavailable)
    }

    /// Whether the password belongs to the PHC string; `None` stands for "no such
    /// user" and takes as long.
    ///
    /// # Errors
    /// [`Unavailable`] when no thread was free for two seconds.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, Unavailable> {
        let is_known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.to_string());
        let is_right = self
            .run(move || {
                let parsed = PasswordHash::new(&stored).ok()?;
                Some(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(is_known && is_right == Some(true))
    }

    /// Whether a list of stolen passwords has this one. A list that cannot be read keeps nobody out.
    ///
    /// # Errors
    /// [`Unavailable`] when no thread was free for two seconds.
    pub async fn is_stolen(&self, list: Breached, password: String) -> Result<bool, Unavailable> {
        let found = self.blocking(move || list.has(&password)).await?;
        Ok(found.unwrap_or_else(|error| {
            tracing::error!(%error, "The list of stolen passwords cannot be read");
            false
        }))
    }

    /// How many hashes were worked out so far.
    #[must_use]
    pub fn worked(&self) -> u64 {
        self.worked.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Option<T> + Send + 'static,
    ) -> Result<Option<T>, Unavailable> {
        let worked = Arc::clone(&self.worked);
        self.blocking(move || {
            worked.fetch_add(1, Ordering::Relaxed);
            work()
        })
        .await
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Unavailable> {
        let wait = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(Duration::from_secs(2), wait).await.map_err(|_| Unavailable)?;
        // The permit goes with the work, which outlives a dropped request.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| Unavailable)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

fn hash_now(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

/// Why a password cannot be taken: a sentence for the person, or `None`.
#[must_use]
pub fn weakness(password: &str, email: &str) -> Option<&'static str> {
    if password.chars().count() < MIN_LENGTH {
        Some("Choose a password of at least 8 characters.")
    } else if password.len() > MAX_LENGTH {
        Some("Choose a password of at most 256 bytes.")
    } else if is_common(password) || password.to_lowercase() == email.to_lowercase() {
        Some("That password is on every attacker's list. Choose another.")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_accepted() {
        let passwords = Passwords::new();
        let stored = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert_eq!(passwords.verify("correct horse".to_owned(), Some(stored.clone())).await, Ok(true));
        assert_eq!(passwords.verify("wrong horse".to_owned(), Some(stored)).await, Ok(false));
        assert_eq!(passwords.verify("a password nobody has".to_owned(), None).await, Ok(false));
    }

    #[test]
    fn weak_passwords_are_named() {
        assert!(weakness("short", "a@b.c").is_some());
        assert!(weakness("Password123", "a@b.c").is_some());
        assert!(weakness("Ann@Example.org", "ann@example.org").is_some());
        assert!(weakness("a long enough one", "a@b.c").is_none());
    }
}
