//! What apps say they are for, in a header of their requests.

use std::collections::HashSet;

use app::types::labels::APP_CATEGORIES;
use parking_lot::Mutex;

use crate::App;

/// Categories that count of one request.
const OF_REQUEST: usize = 2;
/// Beyond so many it is forgotten what is stored already; storing it again changes nothing.
const REMEMBERED: usize = 10_000;

/// What was stored since the start, so that a request seldom writes.
#[derive(Debug, Default)]
pub struct Noted(Mutex<HashSet<(String, &'static str)>>);

impl Noted {
    /// Whether it has to be stored.
    fn is_new(&self, url: &str, category: &'static str) -> bool {
        let mut noted = self.0.lock();
        if noted.len() >= REMEMBERED {
            noted.clear();
        }
        noted.insert((url.to_owned(), category))
    }
}

/// The categories of a comma-separated list that there are; others are dropped.
#[must_use]
pub fn read(list: &str) -> Vec<&'static str> {
    let known = |word: &str| APP_CATEGORIES.iter().find(|(name, ..)| word.trim().eq_ignore_ascii_case(name));
    let mut found: Vec<&'static str> = Vec::new();
    for (name, ..) in list.split(',').filter_map(known) {
        if !found.contains(name) && found.len() < OF_REQUEST {
            found.push(name);
        }
    }
    found
}

/// Keeps what the app at an address says of itself. A request does not fail when this does.
pub async fn note(app: &App, url: &str, list: &str) {
    for category in read(list) {
        if !app.noted.is_new(url, category) {
            continue;
        }
        if let Err(error) = app.store.add_app_category(url, category).await {
            app.noted.0.lock().remove(&(url.to_owned(), category));
            tracing::warn!(%error, app.url = url, "The category of an app was not stored");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_count_the_first_two_of_a_request() {
        assert_eq!(read("CLI-Agent, cooking,cli-agent , ide-extension, game"), ["cli-agent", "ide-extension"]);
        assert!(read("").is_empty() && read("coding").is_empty());
    }
}
