//! What a caller is restricted to: networks, models, providers, budgets. Read with
//! the key or the session, so that the request path asks no database.

use std::net::IpAddr;

use app::types::Money;
use app::types::keys::LimitReset;
use ipnet::IpNet;

use crate::store::workspaces::PolicyRows;

/// One budget over something that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// The counter in the ledger.
    pub counter: String,
    /// As a refusal names it.
    pub name: String,
    pub limit: Money,
    pub reset: Option<LimitReset>,
    /// What providers bill to own keys counts, too.
    pub includes_byok: bool,
}

/// The counter of a workspace in the ledger.
#[must_use]
pub fn workspace_counter(workspace_id: &str) -> String {
    format!("workspace:{workspace_id}")
}

/// The counter of a member in the ledger.
#[must_use]
pub fn member_counter(organization_id: &str, user_id: &str) -> String {
    format!("member:{organization_id}:{user_id}")
}

/// Restrictions of one caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Each list that is not empty must contain the caller's address.
    pub networks: Vec<Vec<IpNet>>,
    /// `author/slug` or `author/*`; empty allows all.
    pub models: Vec<String>,
    /// Provider slugs; empty allows all.
    pub providers: Vec<String>,
    /// The broadest first.
    pub caps: Vec<Cap>,
    pub default_model: Option<String>,
    pub default_sort: Option<String>,
    /// How prompts and answers are kept; `None` where they are not.
    pub logging: Option<Logging>,
    /// Events go to the workspace's observability destinations.
    pub broadcasts: bool,
    /// Requests are labelled with their task, category and language.
    pub labels: bool,
}

/// How a workspace keeps its prompts and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// How many of ten thousand requests.
    pub per_myriad: u32,
    /// Only what these keys ask; `None` is everything.
    pub key_hashes: Option<Vec<String>>,
    /// 0 is the server's usual number.
    pub days: i64,
    /// The operator may use it, too.
    pub is_shared: bool,
}

impl Logging {
    fn of(rows: &PolicyRows) -> Option<Self> {
        rows.logs_io.then(|| Self {
            per_myriad: u32::try_from(rows.io_per_myriad).unwrap_or(0),
            // A list that cannot be read names no key.
            key_hashes: rows.io_key_hashes.as_deref().map(|list| serde_json::from_str(list).unwrap_or_default()),
            days: rows.io_retention_days,
            is_shared: rows.shares_io,
        })
    }
}

impl Policy {
    /// What organization, workspace and membership say.
    #[must_use]
    pub fn of(organization_id: &str, user_id: Option<&str>, rows: PolicyRows) -> Self {
        let mut caps = Vec::new();
        for (period, limit) in &rows.budgets {
            caps.push(Cap {
                counter: workspace_counter(&rows.workspace_id),
                name: format!("The {period} budget of workspace \"{}\"", rows.workspace_name),
                limit: Money(*limit),
                reset: period.parse().ok(),
                includes_byok: rows.includes_byok,
            });
        }
        caps.sort_by_key(|cap| match cap.reset {
            None => 0,
            Some(LimitReset::Monthly) => 1,
            Some(LimitReset::Weekly) => 2,
            Some(LimitReset::Daily) => 3,
        });
        if let (Some(limit), Some(user_id)) = (rows.member_limit, user_id) {
            caps.push(Cap {
                counter: member_counter(organization_id, user_id),
                name: "Your monthly limit as a member of this organization".to_owned(),
                limit: Money(limit),
                reset: Some(LimitReset::Monthly),
                includes_byok: false,
            });
        }
        let networks = networks(&rows.allowed_networks);
        Self {
            logging: Logging::of(&rows),
            broadcasts: rows.broadcasts,
            labels: rows.labels_prompts,
            networks: if networks.is_empty() { Vec::new() } else { vec![networks] },
            caps,
            default_model: rows.default_text_model,
            default_sort: rows.default_provider_sort,
            ..Self::default()
        }
    }

    /// Adds what a key itself is restricted to.
    #[must_use]
    pub fn and(mut self, allowed_networks: &str, models: &str, providers: &str) -> Self {
        let own = networks(allowed_networks);
        if !own.is_empty() {
            self.networks.push(own);
        }
        self.models = words(models);
        self.providers = words(providers);
        self
    }

    /// Whether the caller may come from this address. One nobody knows is refused
    /// where any is asked for.
    #[must_use]
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        self.networks
            .iter()
            .all(|list| address.is_some_and(|address| list.iter().any(|network| network.contains(&address))))
    }

    /// Whether a model may be used. A base id allows its variants.
    #[must_use]
    pub fn allows_model(&self, id: &str) -> bool {
        let base = id.split(':').next().unwrap_or(id);
        let author = base.split('/').next().unwrap_or(base);
        self.models.is_empty()
            || self.models.iter().any(|allowed| {
                allowed == id || allowed == base || allowed.strip_suffix("/*").is_some_and(|name| name == author)
            })
    }

    /// Whether a provider may be used.
    #[must_use]
    pub fn allows_provider(&self, slug: &str) -> bool {
        self.providers.is_empty() || self.providers.iter().any(|allowed| allowed == slug)
    }
}

/// Words separated by spaces.
#[must_use]
pub fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

/// Stored networks: those that can be read, and none of the internet where none can.
fn networks(list: &str) -> Vec<IpNet> {
    list.split_whitespace().filter_map(|text| network(text).ok()).collect()
}

/// A network or a single address.
///
/// # Errors
/// The text, when it is neither.
pub fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>().or_else(|_| single()).map(|network| network.trunc()).map_err(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_restrict_and_empty_lists_do_not() {
        let open = Policy::default();
        assert!(open.admits(None) && open.allows_model("a/b") && open.allows_provider("p"));
        let tight = Policy::default().and("10.0.0.0/8 192.0.2.7", "a/b c/*", "p");
        let admits = |text: &str| tight.admits(text.parse().ok());
        assert!(admits("10.1.2.3") && admits("192.0.2.7") && !admits("192.0.2.8") && !tight.admits(None));
        assert!(tight.allows_model("a/b:free") && tight.allows_model("c/x") && !tight.allows_model("a/bb"));
        assert!(tight.allows_provider("p") && !tight.allows_provider("q"));
    }

    #[test]
    fn the_broadest_budget_comes_first() {
        let rows = PolicyRows {
            budgets: vec![("daily".into(), 1), ("lifetime".into(), 3), ("monthly".into(), 2)],
            ..PolicyRows::default()
        };
        let policy = Policy::of("o", None, rows);
        let limits: Vec<i64> = policy.caps.iter().map(|cap| cap.limit.0).collect();
        assert_eq!(limits, [3, 2, 1]);
    }
}
