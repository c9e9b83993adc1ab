//! Features that operators switch while the server runs: on every node, within a second.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::store::flags::FlagRow;

/// A feature that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    SignUp,
    Purchases,
    ChatRoom,
    BlindVotes,
    AppKeys,
    StreamResume,
}

impl Flag {
    /// Every flag, in the order they are listed.
    pub const ALL: [Self; 6] =
        [Self::SignUp, Self::Purchases, Self::ChatRoom, Self::BlindVotes, Self::AppKeys, Self::StreamResume];

    /// Its name on the wire, on the command line and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Purchases => "purchases",
            Self::ChatRoom => "chat_room",
            Self::BlindVotes => "blind_votes",
            Self::AppKeys => "app_keys",
            Self::StreamResume => "stream_resume",
        }
    }

    /// What is possible while it is on.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::SignUp => "Strangers open accounts. Who was invited may at any time.",
            Self::Purchases => {
                "Credit is bought, by hand and automatically. Payments under way are completed either way."
            }
            Self::ChatRoom => "People talk to models on the site. Keys are not affected.",
            Self::BlindVotes => "People compare two answers without knowing whose they are, and vote.",
            Self::AppKeys => "Apps ask people for keys of their own (OAuth PKCE). Keys made before go on working.",
            Self::StreamResume => {
                "Streams that break off are completed by another endpoint, for callers who ask for it."
            }
        }
    }

    /// The flag of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.name() == name)
    }

    fn bit(self) -> u32 {
        match self {
            Self::SignUp => 1,
            Self::Purchases => 1 << 1,
            Self::ChatRoom => 1 << 2,
            Self::BlindVotes => 1 << 3,
            Self::AppKeys => 1 << 4,
            Self::StreamResume => 1 << 5,
        }
    }
}

/// What is on now.
#[derive(Debug)]
pub struct Flags {
    by_default: u32,
    on: AtomicU32,
}

impl Flags {
    /// Everything as the settings have it: on, but for sign-up, which they can close.
    #[must_use]
    pub fn new(allow_sign_up: bool) -> Self {
        let is_on = |flag: &Flag| *flag != Flag::SignUp || allow_sign_up;
        let by_default = Flag::ALL.into_iter().filter(is_on).fold(0, |bits, flag| bits | flag.bit());
        Self { by_default, on: AtomicU32::new(by_default) }
    }

    #[must_use]
    pub fn is_on(&self, flag: Flag) -> bool {
        self.on.load(Ordering::Relaxed) & flag.bit() != 0
    }

    /// Whether it is on where no operator said otherwise.
    #[must_use]
    pub fn is_on_by_default(&self, flag: Flag) -> bool {
        self.by_default & flag.bit() != 0
    }

    /// Takes over what operators chose; names of other versions of this program mean nothing.
    pub fn take_over(&self, rows: &[FlagRow]) {
        let mut on = self.by_default;
        for row in rows {
            let Some(flag) = Flag::named(&row.name) else { continue };
            on = if row.is_on == 1 { on | flag.bit() } else { on & !flag.bit() };
        }
        self.on.store(on, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, is_on: i64) -> FlagRow {
        FlagRow { name: name.to_owned(), is_on, updated_at: 0 }
    }

    #[test]
    fn what_operators_chose_goes_before_the_settings() {
        let flags = Flags::new(false);
        let all = |flags: &Flags| Flag::ALL.map(|flag| flags.is_on(flag));
        assert_eq!(all(&flags), [false, true, true, true, true, true]);
        flags.take_over(&[row("sign_up", 1), row("chat_room", 0), row("of_tomorrow", 1)]);
        assert_eq!(all(&flags), [true, true, false, true, true, true]);
        assert!(!flags.is_on_by_default(Flag::SignUp));
        flags.take_over(&[]);
        assert_eq!(all(&flags), [false, true, true, true, true, true], "taken back");
    }
}
