//! Opening an account and signing in.

use std::collections::HashMap;
use std::path::Path;

use app::types::Money;
use parking_lot::Mutex;

use super::{new_id, new_uuid, passwords};
use crate::accounts::breached::Breached;
use crate::accounts::passwords::Passwords;
use crate::clock::Clock;
use crate::store::accounts::{NewAccount, UserRow};
use crate::store::{Store, is_duplicate};

/// Why no account was opened or nobody was signed in. Each has a sentence on the page.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong address or password; which of the two is not said.
    #[error("invalid")]
    Invalid,
    #[error("throttled")]
    Throttled,
    /// By the operators; told only with the right password.
    #[error("suspended")]
    Suspended,
    #[error("taken")]
    Taken,
    #[error("weak_password")]
    WeakPassword,
    #[error("bad_email")]
    BadEmail,
    #[error("busy")]
    Busy,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// People and how they prove who they are.
pub struct Users {
    store: Store,
    clock: Clock,
    passwords: Passwords,
    breached: Option<Breached>,
    failures: Mutex<HashMap<String, Failures>>,
    /// By address: the minute and the tries in it.
    tries: Mutex<HashMap<String, (i64, u32)>>,
}

#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    /// Epoch ms.
    blocked_until: i64,
}

/// Wrong passwords in a row before an account has to wait.
const FREE_FAILURES: u32 = 5;
/// Forms with a password that one network address may send in a minute.
const TRIES_PER_MINUTE: u32 = 30;

impl Users {
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        let (failures, tries) = (Mutex::default(), Mutex::default());
        Self { store, clock, passwords: Passwords::new(), breached: None, failures, tries }
    }

    /// Takes no password that is in this file of stolen ones; an empty name is no file.
    ///
    /// # Errors
    /// A sentence when the file is none.
    pub fn without_stolen(mut self, file: &str) -> Result<Self, String> {
        if !file.is_empty() {
            let list = Breached::open(Path::new(file)).map_err(|cause| format!("breached_passwords: {cause}"))?;
            self.breached = Some(list);
        }
        Ok(self)
    }

    /// Opens an account with a personal organization and a default workspace.
    ///
    /// # Errors
    /// [`SignInError`] for a bad address, a weak password or a taken address.
    pub async fn sign_up(
        &self,
        name: &str,
        email: &str,
        password: &str,
        is_demo: bool,
    ) -> Result<NewAccount, SignInError> {
        let email = normal_email(email).ok_or(SignInError::BadEmail)?;
        self.check_password(password, &email).await?;
        let password_hash = self.passwords.hash(password.to_owned()).await.map_err(|_| SignInError::Busy)?;
        self.create(self.account(name, email, password_hash, is_demo)).await
    }

    /// Opens an account whose address somebody else vouches for. It has no password.
    ///
    /// # Errors
    /// [`SignInError::BadEmail`] or [`SignInError::Taken`].
    pub async fn open_confirmed(&self, name: &str, email: &str) -> Result<NewAccount, SignInError> {
        let email = normal_email(email).ok_or(SignInError::BadEmail)?;
        let mut account = self.account(name, email, String::new(), false);
        account.user.verified_at = Some(account.user.created_at);
        self.create(account).await
    }

    fn account(&self, name: &str, email: String, password_hash: String, is_demo: bool) -> NewAccount {
        let now = self.clock.now_ms();
        let name = name.trim().chars().take(100).collect::<String>();
        let name = if name.is_empty() { email.split('@').next().unwrap_or("You").to_owned() } else { name };
        NewAccount {
            organization_id: new_id(now),
            organization_name: if is_demo { "Demo organization".to_owned() } else { format!("{name} (personal)") },
            workspace_id: new_uuid(now),
            user: UserRow {
                id: new_id(now),
                email,
                name,
                password_hash,
                created_at: now,
                verified_at: None,
                suspended_at: None,
                is_operator: 0,
            },
            is_demo,
        }
    }

    async fn create(&self, account: NewAccount) -> Result<NewAccount, SignInError> {
        match self.store.create_account(&account).await {
            Ok(()) => Ok(account),
            Err(error) if is_duplicate(&error) => Err(SignInError::Taken),
            Err(error) => Err(error.into()),
        }
    }

    /// The user with this address and password. After five failures in a row the
    /// account waits, a second at first, twice as long each time, at most 15 minutes.
    ///
    /// # Errors
    /// [`SignInError::Invalid`] or [`SignInError::Throttled`].
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<UserRow, SignInError> {
        let email = normal_email(email).ok_or(SignInError::Invalid)?;
        if password.len() > passwords::MAX_LENGTH {
            return Err(SignInError::Invalid);
        }
        self.check_patience(&email)?;
        let user = self.store.user_by_email(&email).await?;
        // Who has no password comes in another way; that takes as long as a wrong one.
        let stored = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
        let is_right = self.passwords.verify(password.to_owned(), stored).await.map_err(|_| SignInError::Busy)?;
        let Some(user) = user.filter(|_| is_right) else {
            self.note_failure(&email);
            return Err(SignInError::Invalid);
        };
        self.failures.lock().remove(&email);
        if user.suspended_at.is_some() {
            return Err(SignInError::Suspended);
        }
        Ok(user)
    }

    /// Passes a password that is long enough and on no list that attackers have.
    ///
    /// # Errors
    /// [`SignInError::WeakPassword`].
    pub async fn check_password(&self, password: &str, email: &str) -> Result<(), SignInError> {
        if passwords::weakness(password, email).is_some() {
            return Err(SignInError::WeakPassword);
        }
        let Some(list) = self.breached.clone() else { return Ok(()) };
        let is_stolen = self.passwords.is_stolen(list, password.to_owned()).await.map_err(|_| SignInError::Busy)?;
        if is_stolen { Err(SignInError::WeakPassword) } else { Ok(()) }
    }

    /// How many password hashes were worked out so far.
    #[must_use]
    pub fn hashes_worked_out(&self) -> u64 {
        self.passwords.worked()
    }

    /// Counts a try from a network address. False when there were too many this minute.
    pub fn admit_address(&self, address: &str) -> bool {
        let minute = self.clock.now_ms().div_euclid(60_000);
        let mut tries = self.tries.lock();
        if tries.len() > 100_000 {
            tries.retain(|_, (then, _)| *then == minute);
        }
        let entry = tries.entry(address.to_owned()).or_insert((minute, 0));
        if entry.0 != minute {
            *entry = (minute, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        entry.1 <= TRIES_PER_MINUTE
    }

    /// Gives a user a new password.
    ///
    /// # Errors
    /// [`SignInError::WeakPassword`], or that nothing could be stored.
    pub async fn set_password(&self, user: &UserRow, password: &str) -> Result<(), SignInError> {
        self.check_password(password, &user.email).await?;
        let hash = self.passwords.hash(password.to_owned()).await.map_err(|_| SignInError::Busy)?;
        self.store.set_password(&user.id, &hash).await?;
        self.failures.lock().remove(&user.email);
        Ok(())
    }

    /// Passes while a name (an address, or whose codes) has not to wait after failures.
    ///
    /// # Errors
    /// [`SignInError::Throttled`].
    pub fn check_patience(&self, name: &str) -> Result<(), SignInError> {
        let now = self.clock.now_ms();
        let has_to_wait = self.failures.lock().get(name).is_some_and(|failures| failures.blocked_until > now);
        if has_to_wait { Err(SignInError::Throttled) } else { Ok(()) }
    }

    /// Forgets a name's failures.
    pub fn forget_failures(&self, name: &str) {
        self.failures.lock().remove(name);
    }

    /// Counts a failure of a name.
    pub fn note_failure(&self, name: &str) {
        let now = self.clock.now_ms();
        let mut failures = self.failures.lock();
        // A flood of made-up addresses must not grow the table without end.
        if failures.len() > 100_000 {
            failures.retain(|_, entry| entry.blocked_until > now);
        }
        let entry = failures.entry(name.to_owned()).or_default();
        entry.count = entry.count.saturating_add(1);
        if entry.count >= FREE_FAILURES {
            let seconds = 1_i64 << (entry.count - FREE_FAILURES).min(10);
            entry.blocked_until = now + (seconds * 1_000).min(900_000);
        }
    }
}

/// Credit a new account is given by the operator, as text for the ledger.
#[must_use]
pub fn welcome_reason(amount: Money) -> String {
    format!("Welcome credit of {}", amount.dollars())
}

/// Lower case, trimmed; `None` when it cannot be an address.
#[must_use]
pub fn normal_email(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, host) = email.split_once('@')?;
    let is_plausible = !name.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains('@')
        && email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    is_plausible.then_some(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signing_in_needs_the_right_password_and_patience_after_failures() {
        let (store, _folder) = Store::for_test().await;
        let clock = Clock::fixed(1_000_000);
        let users = Users::new(store, clock.clone());
        users.sign_up("Ann", "Ann@Example.org ", "a long enough one", false).await.unwrap();
        let again = users.sign_up("Ann", "ann@example.org", "another long one", false).await;
        assert!(matches!(again, Err(SignInError::Taken)));

        assert_eq!(users.sign_in("ANN@example.org", "a long enough one").await.unwrap().name, "Ann");
        for _ in 0..5 {
            assert!(matches!(users.sign_in("ann@example.org", "wrong").await, Err(SignInError::Invalid)));
        }
        let blocked = users.sign_in("ann@example.org", "a long enough one").await;
        assert!(matches!(blocked, Err(SignInError::Throttled)));
        clock.set(1_000_000 + 1_001);
        users.sign_in("ann@example.org", "a long enough one").await.unwrap();
    }

    #[test]
    fn addresses_are_checked_lightly() {
        assert_eq!(normal_email(" A@B.c ").as_deref(), Some("a@b.c"));
        for bad in ["", "a", "a@b", "@b.c", "a@.c", "a b@c.d", "a@b@c.d"] {
            assert_eq!(normal_email(bad), None, "{bad}");
        }
    }
}
